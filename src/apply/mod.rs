//! What is written: the Secret, a file, restarts; and the proof that the new certificate is served.
