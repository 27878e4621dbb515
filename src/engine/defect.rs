//! A panic ends the task in which it happens, and no other one. It is a defect of this program, and told as one.

use std::{any::Any, panic::AssertUnwindSafe};

use futures_util::FutureExt as _;
use tokio::task::JoinError;

use super::failure::TargetError;
use crate::text::Clear;

/// The longest message of a panic that is told, in characters.
const LONGEST: usize = 200;

/// Awaits a task. A panic in it becomes an error.
///
/// What the task shares with others stays usable: their locks are taken again whether or not somebody has panicked.
pub(super) async fn caught<T>(task: impl Future<Output = Result<T, TargetError>>) -> Result<T, TargetError> {
    match AssertUnwindSafe(task).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => Err(TargetError::Defect(said(panic.as_ref()))),
    }
}

/// The error of a task on another thread that panicked or was abandoned.
pub(super) fn of_task(error: JoinError) -> TargetError {
    match error.try_into_panic() {
        Ok(panic) => TargetError::Defect(said(panic.as_ref())),
        Err(_) => TargetError::Interrupted,
    }
}

/// The first line of a panic's message, which may quote what came from outside.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let line = text.and_then(|text| text.lines().next()).unwrap_or_default();
    let line: String = Clear(line).to_string().chars().take(LONGEST).collect();
    if line.is_empty() {
        "it panicked".to_owned()
    } else {
        line
    }
}

/// Panics where a test wants it: for the Secret that `KUBECTL_CERTS_TEST_PANIC` names, in a build for tests.
#[cfg(debug_assertions)]
pub(super) fn planted(secret: &crate::object::Key) {
    let planted = std::env::var("KUBECTL_CERTS_TEST_PANIC").is_ok_and(|name| name == secret.to_string());
    assert!(!planted, "planted for {secret}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_task_alone() {
        let fails = |text: &'static str| caught::<()>(async move { panic!("{text}") });
        let (one, other, none) = tokio::join!(
            fails("index out of bounds\u{1b}[2J\nkey: secret"),
            caught(async {
                tokio::task::yield_now().await;
                Ok(7)
            }),
            caught::<()>(async { std::panic::panic_any(7) }),
        );
        let said = one.unwrap_err().to_string();
        assert!(
            said.starts_with("a defect in this program: index out of bounds") && !said.contains(['\u{1b}', '\n']),
            "{said}"
        );
        assert!(!said.contains("key: secret"), "{said}");
        assert_eq!(other.unwrap(), 7);
        assert!(none.unwrap_err().to_string().contains("it panicked"));
        let task = tokio::spawn(async { panic!("elsewhere") }).await;
        assert!(of_task(task.unwrap_err()).to_string().contains("elsewhere"));
    }
}
