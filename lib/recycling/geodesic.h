/* lib/recycling/geodesic.h - the shortest way between two points of the WGS 84 ellipsoid. */
#ifndef RS_RECYCLING_GEODESIC_H
#define RS_RECYCLING_GEODESIC_H

/* In metres, to some nanometres, for points up to 2000 km apart; poles, the date
 * line and equal points included. Degrees, latitudes -90..90, longitudes
 * -180..180. Farther apart it loses accuracy, and near antipodes it is wrong. */
double rs_geodesic_distance(double latitude1, double longitude1, double latitude2,
                            double longitude2);

#endif
