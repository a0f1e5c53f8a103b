// Every body, written once over a vector vocabulary, and the table of them.
#include "patch_product.h"
#include "weight_gradient.h"
#include "norms.h"
#include "elementary.h"
#include "pointwise.h"
#include "noise.h"
#include "peak.h"
#include "table.h"
