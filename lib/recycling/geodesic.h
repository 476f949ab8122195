/* lib/recycling/geodesic.h - the shortest way between two points of the WGS 84 ellipsoid. */
#ifndef RS_RECYCLING_GEODESIC_H
#define RS_RECYCLING_GEODESIC_H

/* In metres, exact to some nanometres for points up to 2000 km apart, also at the poles, at the
 * date line and for equal points. Degrees, latitudes -90..90, longitudes -180..180. For larger
 * distances it loses accuracy, and near antipodes it is wrong. */
double rs_geodesic_distance(double latitude1, double longitude1, double latitude2,
                            double longitude2);

#endif
