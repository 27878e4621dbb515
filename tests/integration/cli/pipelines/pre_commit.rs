//! The hook for pre-commit: by pre-commit itself where it can be installed, and its script alone.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use super::{JUDGED, ended, program, root};

/// pre-commit, installed once for the user. `None` without Python or its registry.
fn pre_commit() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let place = cache.join("kubectl-certs-testbed/pre-commit");
    let command = place.join("bin/pre-commit");
    if command.exists() {
        return Some(command);
    }
    let run = |program: &Path, args: &[&str]| {
        Command::new(program)
            .args(args)
            .output()
            .ok()
            .filter(|it| it.status.success())
    };
    std::fs::create_dir_all(place.parent()?).ok()?;
    // A venv cannot be moved: whatever is half made is made anew.
    run(Path::new("python3"), &["-m", "venv", "--clear", place.to_str()?])?;
    run(&place.join("bin/pip"), &["install", "--quiet", "pre-commit==4.7.0"])?;
    command.exists().then_some(command)
}

/// A git repository with some of the example's manifests, and with git's own settings alone.
fn repository(dir: &Path, files: &[&str]) {
    let git = |args: &[&str]| {
        let output = isolated(Command::new("git").args(args), dir).output().expect("git");
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    git(&["init", "--quiet"]);
    for file in files {
        std::fs::copy(root().join("docs/example").join(file), dir.join(file)).expect("a copy");
    }
    std::fs::write(dir.join("values.yaml"), "kind: of chart\nreplicas: 1\n").expect("a file");
    git(&["add", "."]);
}

fn isolated<'c>(command: &'c mut Command, dir: &Path) -> &'c mut Command {
    let path = std::env::var("PATH").expect("a PATH");
    let beside = program().parent().expect("a directory").display().to_string();
    command
        .current_dir(dir)
        .env_clear()
        .env("PATH", format!("{beside}:{path}"))
        .env("HOME", dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
}

fn hook(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(root().join("plugin/pre-commit/run"));
    isolated(command.args(args), dir).output().expect("the hook")
}

/// The arguments for the example, with its root by its whole path.
fn judged() -> [String; 2] {
    [
        format!("--ca-file={}", root().join("docs/example/root.pem").display()),
        JUDGED[1].to_owned(),
    ]
}

#[test]
fn the_manifests_are_judged_together_and_other_files_are_left_out() {
    let dir = tempfile::tempdir().expect("a directory");
    repository(dir.path(), &["shop.yaml", "roastery.yaml", "edge.yaml", "cluster.yaml"]);
    let [ca, at] = judged();
    let ran = hook(dir.path(), &[&ca, &at, "values.yaml", "cluster.yaml", "shop.yaml"]);
    let (status, out, err) = ended(&ran);
    assert_eq!(status, 1, "{out}\n{err}");
    assert!(
        out.contains("trade.larkspur.example") && !err.contains("values.yaml"),
        "{out}\n{err}"
    );
    // The value of an option is none of the manifests.
    let args = [
        "--ca-file",
        &ca["--ca-file=".len()..],
        &at,
        "roastery.yaml",
        "cluster.yaml",
        "edge.yaml",
    ];
    let (status, out, err) = ended(&hook(dir.path(), &args));
    assert!(status == 0 || status == 1, "{out}\n{err}");
    assert!(out.contains("stock.larkspur.example"), "{out}\n{err}");
    let (status, out, err) = ended(&hook(dir.path(), &["values.yaml"]));
    assert_eq!((status, out.as_str(), err.as_str()), (0, "", ""));
    let (status, _, err) = ended(&hook(dir.path(), &["--fail-on=never-heard-of", "shop.yaml"]));
    assert_eq!(status, 2, "{err}");
}

#[test]
fn pre_commit_runs_the_hook_of_this_repository() {
    let Some(pre_commit) = pre_commit() else {
        assert!(std::env::var_os("CI").is_none(), "pre-commit cannot be installed here");
        eprintln!("skipped: pre-commit cannot be installed here");
        return;
    };
    let dir = tempfile::tempdir().expect("a directory");
    repository(dir.path(), &["shop.yaml", "cluster.yaml"]);
    // What a user would write, with a copy of what the repository has of the hook in the place of its URL.
    let own = dir.path().join("hook");
    std::fs::create_dir_all(own.join("plugin/pre-commit")).expect("a directory");
    for file in [".pre-commit-hooks.yaml", "plugin/pre-commit/run"] {
        std::fs::copy(root().join(file), own.join(file)).expect("a copy");
    }
    for args in [
        &["init", "--quiet"][..],
        &["add", "."],
        &[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b.example",
            "commit",
            "--quiet",
            "-m",
            "a",
        ],
        &["tag", "v1"],
    ] {
        let output = isolated(Command::new("git").args(args), &own).output().expect("git");
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let [ca, at] = judged();
    let config = format!(
        "repos:\n- repo: {}\n  rev: v1\n  hooks:\n  - id: kubectl-certs\n    args: [\"{ca}\", \"{at}\"]\n",
        own.display()
    );
    std::fs::write(dir.path().join(".pre-commit-config.yaml"), config).expect("a file");
    let mut command = Command::new(&pre_commit);
    command.args(["run", "--files", "shop.yaml", "cluster.yaml", "values.yaml"]);
    let ran = isolated(&mut command, dir.path()).output().expect("pre-commit");
    let (status, out, err) = ended(&ran);
    assert_eq!(status, 1, "{out}\n{err}");
    assert!(
        out.contains("certificates in Kubernetes manifests") && out.contains("Failed"),
        "{out}"
    );
    assert!(out.contains("HostMismatch"), "{out}\n{err}");
    // The same with what is not to fail.
    let config = std::fs::read_to_string(dir.path().join(".pre-commit-config.yaml")).expect("a file");
    let config = config.replace("args: [", "args: [\"--namespace=nowhere\", ");
    std::fs::write(dir.path().join(".pre-commit-config.yaml"), config).expect("a file");
    let mut command = Command::new(&pre_commit);
    command.args(["run", "--files", "shop.yaml"]);
    let (status, out, err) = ended(&isolated(&mut command, dir.path()).output().expect("pre-commit"));
    assert_eq!(status, 0, "{out}\n{err}");
}
