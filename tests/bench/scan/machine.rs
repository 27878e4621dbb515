//! The machine on which is measured, as the tables name it.

/// `2 cores, 24 GiB`: the memory as it is sold, because the kernel keeps some for itself.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = text.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok());
    format!("{cores} cores, {} GiB", kilobytes.unwrap_or_default().div_ceil(1 << 20))
}
