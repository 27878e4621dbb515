//! The one conductor: carries a plan out, from the order to the served certificate, and cleans up.
