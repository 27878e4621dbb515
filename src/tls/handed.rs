//! The program begins anew with `SSL_CERT_FILE` naming all roots.
//!
//! `dns-update` makes its HTTP clients itself and takes none, and they read their roots from where that variable points. A program may not
//! change its own environment once it runs, but it may replace itself. The roots are in memory, as a file without a name: an image `FROM scratch`
//! has no place to write one. Its path names the process, so that programs which this one starts can read it as well.

use std::{
    fs::File,
    io::{self, Write as _},
    os::{fd::AsRawFd as _, unix::process::CommandExt as _},
    process::Command,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustix::fs::{MemfdFlags, memfd_create};

use super::System;

const FILE: &str = "SSL_CERT_FILE";
const DIRECTORY: &str = "SSL_CERT_DIR";

/// Replaces the process. Returns where that was done before, or why it cannot be.
pub(super) fn begin_anew() -> io::Result<()> {
    let ours = format!("/proc/{}/fd/", std::process::id());
    if std::env::var_os(FILE).is_some_and(|at| at.to_string_lossy().starts_with(&ours)) {
        return Ok(());
    }
    let system = System::read();
    // Left open: without the flag that would close it.
    let file = memfd_create("roots", MemfdFlags::empty())?;
    let path = format!("{ours}{}", file.as_raw_fd());
    let mut file = File::from(file);
    let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    let all = pem(mozilla.chain(&system.certificates).map(|der| der.as_ref()));
    file.write_all(all.as_bytes())?;
    // Where there is no /proc the variable would name nothing.
    File::open(&path)?;
    // It is gone afterwards: the new file is sound.
    if let Some(problem) = &system.problem {
        tracing::warn!("{problem}");
    }
    let mut words = std::env::args_os();
    let mut program = Command::new(std::env::current_exe()?);
    if let Some(name) = words.next() {
        program.arg0(name);
    }
    Err(program.args(words).env(FILE, path).env_remove(DIRECTORY).exec())
}

/// Certificates as a file has them.
pub(super) fn pem<'a>(all: impl Iterator<Item = &'a [u8]>) -> String {
    let mut text = String::new();
    for der in all {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = BASE64_STANDARD.encode(der);
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = more;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}
