//! The table: printed, and written into `docs/performance.md`.

use std::{fmt::Write as _, io::Write as _, path::Path};

use super::{Result, frames::Frames, machine::machine, process::Process};

const BEGIN: &str = "<!-- written by tests/bench/run tui: begin -->";
const END: &str = "<!-- written by tests/bench/run tui: end -->";

/// All figures.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    pub(crate) frames: Frames,
    pub(crate) process: Process,
}

impl Page {
    pub(crate) fn print(&self) {
        let _ = writeln!(std::io::stdout().lock(), "{}", self.table());
    }

    /// Replaces what stands between the marks of the page.
    pub(crate) fn write(&self) -> Result<()> {
        let path = Path::new("docs/performance.md");
        let text = std::fs::read_to_string(path)?;
        let (before, rest) = text.split_once(BEGIN).ok_or("docs/performance.md has no mark")?;
        let (_, after) = rest.split_once(END).ok_or("docs/performance.md has no second mark")?;
        let written = format!(
            "{before}{BEGIN}\n\n{}\n\n{}\n{END}{after}",
            surroundings(),
            self.table().trim_end()
        );
        Ok(std::fs::write(path, written)?)
    }

    fn table(&self) -> String {
        let (frames, process) = (&self.frames, &self.process);
        let ms = |seconds: f64| format!("{:.1} ms", seconds * 1e3);
        let mut out = String::from("| figure | reached | must reach |\n| --- | --- | --- |\n");
        let mut row = |figure: String, reached: String, must: &str| {
            let _ = writeln!(out, "| {figure} | {reached} | {must} |");
        };
        row("process start to first frame".into(), ms(process.first), "30 ms");
        row(
            format!(
                "to all rows of {} hosts on the testbed, over `status -A` in the same run",
                process.hosts
            ),
            format!(
                "{:.2} ({:.2} s over {:.2} s)",
                process.all / process.status,
                process.all,
                process.status
            ),
            "1.3",
        );
        row(
            format!("drawing a frame with {} rows, p99", frames.rows),
            ms(frames.draw.as_secs_f64()),
            "4 ms",
        );
        row(
            format!(
                "key press to frame with {} rows, while 1,000 changes a second arrive, p99",
                frames.rows
            ),
            ms(frames.key.as_secs_f64()),
            "33 ms",
        );
        row(
            format!("filtering {} rows as one types, a key, the longest", frames.rows),
            ms(frames.filter.as_secs_f64()),
            "50 ms",
        );
        row(
            format!("memory with {} rows (at most while they were read)", process.many),
            format!("{:.0} MB ({:.0} MB)", process.memory, process.peak),
            "250 MB",
        );
        #[allow(clippy::cast_precision_loss)]
        let share = process.idle / process.idle_for.max(1) as f64 * 100.0;
        row(
            format!("idle for {} s", process.idle_for),
            format!("{share:.2} % of a core"),
            "0.2 %",
        );
        out
    }
}

fn surroundings() -> String {
    format!(
        "{}; {}; kube-apiserver and etcd on the same machine; a terminal of 200x50.",
        time::OffsetDateTime::now_utc().date(),
        machine()
    )
}
