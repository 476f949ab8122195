/* lib/recycling/geodesic.c - see geodesic.h.
 *
 * The inverse problem on Bessel's auxiliary sphere, in the notation of C. F. F. Karney, "Algorithms
 * for geodesics", J. Geodesy 87 (2013) 43-55, doi:10.1007/s00190-012-0578-z: latitudes become
 * reduced latitudes beta, and a great circle of the sphere takes the place of the geodesic. Its
 * length and the difference of longitudes follow from the circle by two integrals, equations (7)
 * and (8) there. Karney expands them in series. Here the arcs are short, and Gauss-Legendre
 * quadrature with six points is exact to the last bit: for 2000 km the error is below 1e-18 of the
 * arc.
 *
 * The longitude difference on the sphere, omega, is found by repeating omega = lambda + what (8)
 * gives. Each step multiplies the error by less than the flattening, 1/298, unless the points are
 * nearly antipodal.
 *
 * Differences of nearly equal numbers are written as products (haversines), or their rounding error
 * is added again (longitudes).
 */
#include "lib/recycling/geodesic.h"

#include <math.h>

#define A 6378137.0
#define F (1.0 / 298.257223563)
#define B (A * (1.0 - F))
#define EP2 (F * (2.0 - F) / ((1.0 - F) * (1.0 - F))) /* second eccentricity, squared */
#define RADIAN 0.017453292519943295769
#define MAX_TURNS 20

struct reduced {
    double sine, cosine;
};

/* tan(beta) = (1 - f) tan(phi), written so that the poles need no tangent. */
static struct reduced reduce(double latitude)
{
    double sine = (1.0 - F) * sin(latitude * RADIAN), cosine = cos(latitude * RADIAN);

    if (fabs(latitude) == 90.0)
        cosine = 0.0;
    double length = hypot(sine, cosine);
    return (struct reduced){sine / length, cosine / length};
}

/* to - from in degrees, -180..180, with the rounding error of the subtraction added again. */
static double longitude_difference(double from, double to)
{
    double difference = to - from;
    double part = difference - to;
    double error = (to - (difference - part)) - (from + part);

    return remainder(difference, 360.0) + error;
}

/* The two integrals over the arc from sigma1 to sigma1 + sigma12: of
 * sqrt(1 + k2 sin^2) and of (2 - f) / (1 + (1 - f) sqrt(1 + k2 sin^2)). */
static void integrate(double sigma1, double sigma12, double k2, double *i1, double *i3)
{
    static const double nodes[] = {0.23861918608319690863, 0.66120938646626451366,
                                   0.93246951420315202781};
    static const double weights[] = {0.46791393457269104739, 0.36076157304813860757,
                                     0.17132449237917034504};
    double middle = sigma1 + 0.5 * sigma12, sum1 = 0.0, sum3 = 0.0;

    for (int i = 0; i < 6; i++) {
        double node = i < 3 ? nodes[i] : -nodes[i - 3], weight = weights[i < 3 ? i : i - 3];
        double sine = sin(middle + 0.5 * sigma12 * node);
        double root = sqrt(1.0 + k2 * sine * sine);
        sum1 += weight * root;
        sum3 += weight * (2.0 - F) / (1.0 + (1.0 - F) * root);
    }
    *i1 = 0.5 * sigma12 * sum1;
    *i3 = 0.5 * sigma12 * sum3;
}

double rs_geodesic_distance(double latitude1, double longitude1, double latitude2,
                            double longitude2)
{
    struct reduced b1 = reduce(latitude1), b2 = reduce(latitude2);
    double lambda = longitude_difference(longitude1, longitude2) * RADIAN;
    double omega = lambda, i1 = 0.0, i3;

    for (int turn = 0; turn < MAX_TURNS; turn++) {
        double sine_half = sin(0.5 * omega);
        /* The direction at the first point, times sin(sigma12): east and north. */
        double east = b2.cosine * sin(omega);
        double north = (b2.sine * b1.cosine - b2.cosine * b1.sine) +
                       2.0 * b1.sine * b2.cosine * sine_half * sine_half;
        double sine12 = hypot(east, north);
        double cosine12 = b1.sine * b2.sine + b1.cosine * b2.cosine * cos(omega);
        if (sine12 == 0.0)
            return 0.0;
        double sine_alpha0 = east / sine12 * b1.cosine;
        double k2 = EP2 * (1.0 - sine_alpha0) * (1.0 + sine_alpha0);
        double sigma1 = atan2(b1.sine, north / sine12 * b1.cosine);
        integrate(sigma1, atan2(sine12, cosine12), k2, &i1, &i3);
        double next = lambda + F * sine_alpha0 * i3;
        if (fabs(next - omega) <= 1e-15 * fabs(next))
            break;
        omega = next;
    }
    return B * i1;
}
