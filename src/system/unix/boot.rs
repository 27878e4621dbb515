//! The clock that goes on while the machine sleeps.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Counts the time in which the machine is suspended too, unlike the clock of `Instant` (`clock_gettime(2)`).
#[cfg(target_os = "linux")]
const BOOT: ClockId = ClockId::Boottime;
/// That of Darwin does so under this name.
#[cfg(not(target_os = "linux"))]
const BOOT: ClockId = ClockId::Monotonic;

/// The time since the machine was started, sleep included. Nobody can set it.
pub(crate) fn since_boot() -> Duration {
    let now = clock_gettime(BOOT);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_machines_uptime() {
        let before = since_boot();
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
        let Some(seconds) = uptime.split(' ').next().and_then(|text| text.parse::<f64>().ok()) else {
            return;
        };
        let after = since_boot();
        let hundredth = 0.02;
        assert!(before.as_secs_f64() - hundredth <= seconds && seconds <= after.as_secs_f64() + hundredth);
    }
}
