//! The tables: printed, and written into `docs/performance.md`.

use std::{fmt::Write as _, io::Write as _, path::Path, time::Duration};

use super::{Result, machine::machine, measure::Run, micro::Micro, rivals, tab::Tab};

const BEGIN: &str = "<!-- written by tests/bench/run full: begin -->";
const END: &str = "<!-- written by tests/bench/run full: end -->";

/// The scans of one size.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scan {
    pub(crate) size: usize,
    pub(crate) again: Run,
    pub(crate) first: Run,
    pub(crate) untrusted: Run,
    pub(crate) curl: Run,
    pub(crate) kubectl: Run,
    pub(crate) shell: f64,
    pub(crate) tab: Tab,
}

/// All figures.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    pub(crate) micro: Micro,
    pub(crate) scans: Vec<Scan>,
    pub(crate) server: String,
}

impl Page {
    pub(crate) fn print_micro(&self) {
        print(&self.micro_table());
    }

    pub(crate) fn print_scans(&self) {
        if !self.scans.is_empty() {
            print(&self.scan_table());
        }
    }

    /// Replaces what stands between the marks of the page.
    pub(crate) fn write(&self) -> Result<()> {
        let path = Path::new("docs/performance.md");
        let text = std::fs::read_to_string(path)?;
        let (before, rest) = text.split_once(BEGIN).ok_or("docs/performance.md has no mark")?;
        let (_, after) = rest.split_once(END).ok_or("docs/performance.md has no second mark")?;
        let written = format!(
            "{before}{BEGIN}\n\n{}\n\n{}\n{}\n{END}{after}",
            self.surroundings(),
            self.scan_table(),
            self.micro_table()
        );
        Ok(std::fs::write(path, written)?)
    }

    fn scan_table(&self) -> String {
        let mut out = String::from(
            "| routes | what | time | over curl | over kubectl get | processor time | peak memory |\n\
             | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        for scan in &self.scans {
            let rows = [
                ("`kubectl certs status -A`, signatures remembered", &scan.again),
                ("the same without `--ca-file`: nobody trusts the CA", &scan.untrusted),
                ("the first run", &scan.first),
                ("curl: the two lists as JSON, thrown away", &scan.curl),
                ("`kubectl get secret,ingress -A -o json`", &scan.kubectl),
            ];
            let size = thousands(scan.size);
            for (what, run) in rows {
                let _ = writeln!(
                    out,
                    "| {size} | {what} | {} s | {:.2} | {:.3} | {} s | {:.0} MB |",
                    seconds(run.wall),
                    run.wall / scan.curl.wall,
                    run.wall / scan.kubectl.wall,
                    seconds(run.processor),
                    run.memory,
                );
            }
            let _ = writeln!(
                out,
                "| {size} | a loop of jq and openssl, scaled from 200 Secrets | {:.0} s | {:.0} | {:.1} | | |",
                scan.shell,
                scan.shell / scan.curl.wall,
                scan.shell / scan.kubectl.wall,
            );
        }
        out.push_str("\n| routes | a press of TAB, the longest of some | time | names | must reach |\n| --- | --- | --- | --- | --- |\n");
        for scan in &self.scans {
            for (what, (took, names)) in [
                ("`renew -A <TAB>`, nothing kept", scan.tab.first),
                ("the next one", scan.tab.second),
                ("the API server takes connections and says nothing", scan.tab.stalled),
            ] {
                let (size, took) = (thousands(scan.size), took.as_millis());
                let _ = writeln!(out, "| {size} | {what} | {took} ms | {} | 200 ms |", thousands(names));
            }
        }
        for pair in self.scans.windows(2) {
            let [less, more] = pair else { continue };
            let _ = writeln!(
                out,
                "\nFrom {} to {} routes the time grows {:.1} times, the memory {:.1} times.",
                thousands(less.size),
                thousands(more.size),
                more.again.wall / less.again.wall,
                more.again.memory / less.again.memory,
            );
        }
        out
    }

    fn micro_table(&self) -> String {
        let micro = &self.micro;
        let mut out = String::from("| what | reached | must reach |\n| --- | --- | --- |\n");
        let _ = writeln!(
            out,
            "| checks alone, signatures excluded, one core | {:.0} bindings/s | 50,000 |",
            micro.judged
        );
        let _ = writeln!(
            out,
            "| one changed Secret among 50,000 bindings, from the event's bytes to the verdict, a P-384 signature \
             included | {} (at most {}) | 1 ms |",
            milliseconds(micro.change),
            milliseconds(micro.change_longest)
        );
        let _ = writeln!(
            out,
            "| `status -f docs/example`, whole process | {} | 30 ms |",
            milliseconds(micro.example)
        );
        let _ = writeln!(
            out,
            "| `--version`, whole process | {} | 5 ms |",
            milliseconds(micro.version)
        );
        if let Some(size) = micro.size {
            let tenths = size / 100_000;
            let _ = writeln!(
                out,
                "| the shipped program (profile `dist`) | {}.{} MB | 25 MB |",
                tenths / 10,
                tenths % 10
            );
        }
        out
    }

    fn surroundings(&self) -> String {
        let first_line = |program: &str, arguments: &[&str]| {
            let text = rivals::output(program, arguments).unwrap_or_default();
            let words: Vec<&str> = text.lines().next().unwrap_or_default().split(' ').take(2).collect();
            words.join(" ")
        };
        let kubectl = rivals::output("kubectl", &["version", "--client"]).unwrap_or_default();
        let kubectl = kubectl
            .lines()
            .next()
            .unwrap_or_default()
            .replace("Client Version: ", "");
        format!(
            "{}; {}; kube-apiserver {} and etcd on the same machine; kubectl {kubectl}, {}, {}, {}.",
            time::OffsetDateTime::now_utc().date(),
            machine(),
            self.server,
            first_line("curl", &["--version"]),
            first_line("jq", &["--version"]),
            first_line("openssl", &["version"]),
        )
    }
}

fn thousands(number: usize) -> String {
    if number < 1000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1000, number % 1000)
    }
}

fn seconds(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{seconds:.2}")
    } else {
        format!("{seconds:.1}")
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

fn print(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
