//! The container image, without a container.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::{REPOSITORY, VERSION, root, run, said};
use crate::support::run::program;

/// The header of a 64-bit program without segments: static, and as small as it can be.
fn static_program(machine: u8) -> Vec<u8> {
    let mut head = vec![0; 64];
    head[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    // ET_EXEC, the machine, version 1; no program headers, each of 56 bytes.
    (head[16], head[18], head[20]) = (2, machine, 1);
    (head[52], head[54]) = (64, 56);
    head
}

/// `EM_X86_64` and `EM_AARCH64` of the gABI.
const AMD64: u8 = 62;
const ARM64: u8 = 183;

/// An image in a directory of its own.
struct Image {
    folder: tempfile::TempDir,
}

impl Image {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("amd64"), static_program(AMD64)).unwrap();
        std::fs::write(folder.path().join("arm64"), static_program(ARM64)).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Builds it of these programs.
    fn build(&self, root: &Path, output: &str, programs: &[&Path]) -> Command {
        let mut command = Command::new(root.join("plugin/image"));
        for program in programs {
            command.arg("--program").arg(program);
        }
        command.arg("--output").arg(self.path(output)).env_remove("REPOSITORY");
        command
    }

    fn member(&self, archive: &str, name: &str) -> Value {
        let text = said(Command::new("tar").arg("-xOf").arg(self.path(archive)).arg(name));
        serde_json::from_str(&text).expect("JSON")
    }

    fn blob(&self, archive: &str, descriptor: &Value) -> Value {
        let digest = descriptor["digest"].as_str().expect("a digest").replace(':', "/");
        self.member(archive, &format!("blobs/{digest}"))
    }
}

#[test]
fn the_image_has_the_program_and_roots_for_it_and_is_always_the_same() {
    let image = Image::new();
    let amd64 = image.path("amd64");
    said(image.build(&root(), "a.tar", &[&amd64]).env("REPOSITORY", REPOSITORY));
    said(image.build(&root(), "b.tar", &[&amd64]).env("REPOSITORY", REPOSITORY));
    assert!(std::fs::read(image.path("a.tar")).unwrap() == std::fs::read(image.path("b.tar")).unwrap());
    let index = image.member("a.tar", "index.json");
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    let manifest = image.blob("a.tar", &index["manifests"][0]);
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    let layer = manifest["layers"][0]["digest"].as_str().unwrap().replace(':', "/");
    let (archive, there) = (image.path("a.tar"), image.path("there"));
    std::fs::create_dir(&there).unwrap();
    let unpacked = format!(
        "tar -xOf {} blobs/{layer} | tar -xzC {}",
        archive.display(),
        there.display()
    );
    said(Command::new("sh").args(["-c", &unpacked]));
    let files = said(
        Command::new("find")
            .arg(&there)
            .args(["-type", "f", "-printf", "%P %m\n"]),
    );
    let mut files: Vec<&str> = files.lines().collect();
    files.sort_unstable();
    // Where a program looks for the roots of a Debian system; the clients of most DNS providers trust no others.
    assert_eq!(files, ["etc/ssl/certs/ca-certificates.crt 644", "kubectl-certs 755"]);
    let roots = std::fs::read(there.join("etc/ssl/certs/ca-certificates.crt")).unwrap();
    assert!(roots == std::fs::read(root().join("plugin/ca-certificates.crt")).unwrap());
    let config = image.blob("a.tar", &manifest["config"]);
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Entrypoint"][0], "/kubectl-certs");
    let label = |name: &str| &config["config"]["Labels"][format!("org.opencontainers.image.{name}")];
    assert_eq!(label("version"), VERSION);
    assert_eq!(label("source"), REPOSITORY);
    assert_eq!(label("licenses"), "Apache-2.0");
    // Nobody is told that the project lives at a placeholder.
    said(&mut image.build(&root(), "c.tar", &[&amd64]));
    let index = image.member("c.tar", "index.json");
    let config = image.blob("c.tar", &image.blob("c.tar", &index["manifests"][0])["config"]);
    assert_eq!(
        config["config"]["Labels"]["org.opencontainers.image.source"],
        Value::Null
    );
    // A program that needs libraries would not start in it.
    let refused = run(&mut image.build(&root(), "d.tar", &[Path::new(&program())]));
    assert!(!refused.ok && refused.err.contains("not static"), "{}", refused.err);
}

#[test]
fn one_image_is_for_two_architectures() {
    let image = Image::new();
    let (amd64, arm64) = (image.path("amd64"), image.path("arm64"));
    said(&mut image.build(&root(), "a.tar", &[&amd64, &arm64]));
    let index = image.member("a.tar", "index.json");
    let both = image.blob("a.tar", &index["manifests"][0]);
    let mut found = Vec::new();
    for one in both["manifests"].as_array().expect("manifests") {
        let config = image.blob("a.tar", &image.blob("a.tar", one)["config"]);
        assert_eq!(config["architecture"], one["platform"]["architecture"]);
        found.push(config["architecture"].as_str().unwrap().to_owned());
    }
    assert_eq!(found, ["amd64", "arm64"]);
    let refused = run(&mut image.build(&root(), "b.tar", &[&amd64, &amd64]));
    assert!(
        !refused.ok && refused.err.contains("two programs for one architecture"),
        "{}",
        refused.err
    );
}

#[test]
fn only_the_commit_of_a_version_gets_the_tag_of_that_version() {
    let image = Image::new();
    let project = image.path("project");
    std::fs::create_dir_all(project.join("plugin")).unwrap();
    for file in ["Cargo.toml", "plugin/image", "plugin/ca-certificates.crt"] {
        std::fs::copy(root().join(file), project.join(file)).unwrap();
    }
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&project)
            .args(["-c", "user.name=a", "-c", "user.email=a@shop.example"]);
        said(command.args(args))
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["-c", "commit.gpgsign=false", "commit", "-q", "-m", "One"]);
    let commit = git(&["rev-parse", "HEAD"]);
    let tag = || {
        said(&mut image.build(&project, "a.tar", &[&image.path("amd64")]));
        let index = image.member("a.tar", "index.json");
        let name = &index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"];
        name.as_str().expect("a tag").to_owned()
    };
    let between = format!("{VERSION}-{}", &commit[..12]);
    assert_eq!(tag(), between);
    git(&["tag", &format!("v{VERSION}")]);
    assert_eq!(tag(), VERSION);
    let manifest = std::fs::read_to_string(project.join("Cargo.toml")).unwrap();
    std::fs::write(project.join("Cargo.toml"), manifest + "\n# changed\n").unwrap();
    assert_eq!(tag(), format!("{between}-dirty"));
}
