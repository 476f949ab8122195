/* lib/recycling/geohash.h - the cell of a point (G. Niemeyer's geohash, five characters). */
#ifndef RS_RECYCLING_GEOHASH_H
#define RS_RECYCLING_GEOHASH_H

#define RS_GEOHASH_LENGTH 5

struct rs_cell_of_earth {
    char name[RS_GEOHASH_LENGTH + 1];
    double south, north, west, east; /* degrees */
};

/* The cell that a point is in: a point on a border is in the northern or the eastern cell;
 * latitude 90 and longitude 180 are in the last cells. Latitude -90..90, longitude -180..180. */
void rs_geohash_cell(double latitude, double longitude, struct rs_cell_of_earth *out);

#endif
