//! The program: see the library's documentation.

use std::process::ExitCode;

use kubectl_certs::cli;

fn main() -> ExitCode {
    // Once, before anything that speaks TLS is made: it is the only provider that is linked.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    cli::run().into()
}
