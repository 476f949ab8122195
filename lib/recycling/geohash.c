/* lib/recycling/geohash.c - see geohash.h.
 *
 * Five characters of five bits: 13 for the longitude and 12 for the latitude, alternating, the
 * longitude first. A coordinate's bits are those of the number of its strip; strips are 360 / 2^13
 * and 180 / 2^12 degrees wide, both 0.0439453125, an exact binary fraction, so there are no gaps
 * between cells and no overlaps.
 */
#include "lib/recycling/geohash.h"

#define LONGITUDE_BITS 13
#define LATITUDE_BITS 12
#define STRIP (180.0 / (1 << LATITUDE_BITS))

/* `edge` is the lowest coordinate. The quotient is rounded and borders are exact, so a
 * comparison corrects it. */
static unsigned strip_of(double coordinate, double edge, unsigned n_bits)
{
    unsigned last = (1u << n_bits) - 1, strip = (unsigned)((coordinate - edge) / STRIP);

    if (strip > 0 && coordinate < edge + strip * STRIP)
        strip--;
    return strip > last ? last : strip;
}

void rs_geohash_cell(double latitude, double longitude, struct rs_cell_of_earth *out)
{
    static const char letters[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    unsigned x = strip_of(longitude, -180.0, LONGITUDE_BITS);
    unsigned y = strip_of(latitude, -90.0, LATITUDE_BITS);
    unsigned bits = 0;

    for (int i = LONGITUDE_BITS - 1; i >= 0; i--) {
        bits = bits << 1 | (x >> i & 1u);
        if (i > 0)
            bits = bits << 1 | (y >> (i - 1) & 1u);
    }
    for (int i = 0; i < RS_GEOHASH_LENGTH; i++)
        out->name[i] = letters[bits >> (5 * (RS_GEOHASH_LENGTH - 1 - i)) & 31u];
    out->name[RS_GEOHASH_LENGTH] = '\0';
    out->south = -90.0 + y * STRIP;
    out->north = out->south + STRIP;
    out->west = -180.0 + x * STRIP;
    out->east = out->west + STRIP;
}
