//! What is to be renewed, and the steps that it takes. Pure.
