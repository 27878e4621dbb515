//! Private keys: read only as far as the comparison with a certificate needs.
