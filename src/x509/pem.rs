//! PEM: the blocks of a text, in linear time.
