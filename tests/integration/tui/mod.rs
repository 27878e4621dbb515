//! The screen through its real loop: a terminal that is a buffer, keys from a list, effects that are kept.

mod chaos;
mod colours;
mod desk;
mod elsewhere;
mod example;
mod find;
mod guide;
mod hands;
mod hostile;
mod keys;
mod narrow;
mod pictures;
mod popups;
mod presented;
mod printed;
mod renewals;
mod rows;
mod runs;
mod states;
mod svg;
mod terminal;
mod timeline;
mod views;
mod windows;
mod writes;

use std::path::PathBuf;

use desk::Desk;

/// The sizes of all snapshots.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// What a person sees who does the same on each size of terminal.
fn at_sizes(sizes: &[(u16, u16)], mut see: impl FnMut((u16, u16)) -> Desk) -> String {
    let mut all = String::new();
    for size in sizes {
        let desk = see(*size);
        let ruler = format!(
            "{:=<width$}",
            format!("{}x{} ", size.0, size.1),
            width = usize::from(size.0)
        );
        all.extend([ruler.as_str(), "\n", &desk.screen(), "\n"]);
    }
    all
}
