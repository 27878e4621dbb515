//! `version`: which one this is.

use crate::ops::OpError;
use serde_json::json;

use super::{args::VersionArgs, print};
use crate::cli::failure::Exit;

pub(super) fn run(args: &VersionArgs) -> Result<Exit, OpError> {
    let version = env!("CARGO_PKG_VERSION");
    let platform = format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH);
    let text = match args.output.as_deref() {
        Some("json") => format!(
            "{:#}\n",
            json!({"clientVersion": {"version": version, "platform": platform, "apiVersion": crate::report::item::API_VERSION}})
        ),
        Some(_) => format!(
            "clientVersion:\n  apiVersion: {}\n  platform: {platform}\n  version: {version}\n",
            crate::report::item::API_VERSION
        ),
        None => format!("kubectl certs {version} ({platform})\n"),
    };
    print(text.as_bytes())
}
