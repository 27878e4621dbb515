//! Changes single settings in the user's own file, and keeps comments, order and all other lines.
//!
//! The text is changed line by line, read again, and compared with the intended result. A change that is not possible
//! in this way is refused, with the line to write by hand.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{
    env::Lookup,
    file::{File, LARGEST},
    source,
};
use crate::{
    document::yaml::scalar,
    error::{Blame, Diagnose},
    file::{self as bounded, Lasting},
};

/// The path of a setting in the file, such as `http01.solver`, and its new value.
pub type Setting = (String, String);

/// Why a setting is not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotKept {
    message: String,
    hint: Option<String>,
}

impl NotKept {
    fn new(message: String) -> Self {
        Self { message, hint: None }
    }
}

impl Diagnose for NotKept {
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }

    fn blame(&self) -> Blame {
        Blame::Usage
    }
}

/// A change of the settings file that has not been written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// The lines that are removed (`- `) and added (`+ `).
    pub shown: Vec<String>,
    /// The present content; `None` without a file.
    before: Option<String>,
    after: String,
}

impl Change {
    /// Plans a change of the file that is `named` by a flag or by `KUBECTL_CERTS_CONFIG`, otherwise of the default one.
    ///
    /// # Errors
    ///
    /// Why the file is not changed, and what to write by hand.
    pub fn of(settings: &[Setting], named: Option<&Path>, get: Lookup<'_>) -> Result<Self, NotKept> {
        let (path, _) = source::path(named, get).map_err(|error| NotKept::new(error.to_string()))?;
        Self::in_file(path, settings)
    }

    fn in_file(path: PathBuf, settings: &[Setting]) -> Result<Self, NotKept> {
        let by_hand = |why: &str| NotKept {
            message: format!("{} is not changed: {why}", path.display()),
            hint: Some(format!("write it by hand: {}", in_one_line(settings))),
        };
        crate::own::check(&path).map_err(|error| by_hand(&error.to_string()))?;
        let before = match bounded::read_text(&path, LARGEST) {
            Ok(text) => Some(text.to_string()),
            Err(_) if !path.exists() => None,
            Err(error) => return Err(by_hand(&error.to_string())),
        };
        let text = before.as_deref().unwrap_or_default();
        let (after, shown) = changed(text, settings).map_err(|why| by_hand(&why))?;
        // Never write a file that the next run would refuse.
        File::parse(&after, &path.display().to_string(), path.parent()).map_err(|error| by_hand(&error.to_string()))?;
        Ok(Self {
            path,
            shown,
            before,
            after,
        })
    }

    /// Writes a new file beside the present one, and replaces it at once. A link stays a link, and the file keeps its
    /// mode.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    pub fn write(&self) -> Result<(), NotKept> {
        let failed = |error: std::io::Error| NotKept::new(format!("cannot write {}: {error}", self.path.display()));
        let real = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        if let Some(folder) = real.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        bounded::replace_with(&real, Lasting::Content, |file| {
            if let Ok(about) = fs::metadata(&real) {
                file.set_permissions(about.permissions())?;
            }
            file.write_all(self.after.as_bytes())?;
            file.sync_all()?;
            let now = bounded::read_text(&real, LARGEST).ok();
            if now.as_ref().map(|text| text.as_str()) != self.before.as_deref() {
                return Err(std::io::Error::other("it has just been changed by someone else"));
            }
            Ok(())
        })
        .map_err(failed)
    }
}

/// The settings as one line of YAML, for people to read.
fn in_one_line(settings: &[Setting]) -> String {
    let mut inner: Vec<(&str, Vec<String>)> = Vec::new();
    let mut lines = Vec::new();
    for (path, value) in settings {
        match path.split_once('.') {
            None => lines.push(format!("`{path}: {}`", scalar(value))),
            Some((outer, key)) => {
                let entry = format!("{key}: {}", scalar(value));
                match inner.iter_mut().find(|(name, _)| *name == outer) {
                    Some((_, all)) => all.push(entry),
                    None => inner.push((outer, vec![entry])),
                }
            }
        }
    }
    lines.extend(
        inner
            .into_iter()
            .map(|(outer, all)| format!("`{outer}: {{{}}}`", all.join(", "))),
    );
    lines.join(" and ")
}

/// The text with the new settings, and the lines that changed.
fn changed(text: &str, settings: &[Setting]) -> Result<(String, Vec<String>), String> {
    if text.contains(['\r', '\t']) {
        return Err("it has tabs or the line ends of Windows".to_owned());
    }
    let mut wanted = parsed(text)?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut shown = Vec::new();
    for (path, value) in settings {
        put(&mut lines, path, &scalar(value), &mut shown)?;
        let place = match path.split_once('.') {
            None => wanted.entry(path.clone()),
            Some((outer, key)) => match wanted.entry(outer).or_insert_with(|| Value::Object(Map::new())) {
                Value::Object(inner) => inner.entry(key),
                inner => {
                    *inner = Value::Object(Map::new());
                    let Value::Object(inner) = inner else { continue };
                    inner.entry(key)
                }
            },
        };
        *place.or_insert(Value::Null) = Value::from(value.as_str());
    }
    let mut after = lines.join("\n");
    after.push('\n');
    // This catches whatever the processing of lines overlooked.
    if parsed(&after)? != wanted {
        return Err("its form is none that can be changed by a program".to_owned());
    }
    Ok((after, shown))
}

fn parsed(text: &str) -> Result<Map<String, Value>, String> {
    let says_nothing = |line: &str| line.is_empty() || line.starts_with('#') || line == "---";
    if text.lines().map(str::trim).all(says_nothing) {
        return Ok(Map::new());
    }
    match serde_saphyr::from_str::<Value>(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err("it is no mapping".to_owned()),
        Err(_) => Err("it is no YAML (`kubectl certs config check` says where)".to_owned()),
    }
}

/// Sets one value, or adds it.
fn put(lines: &mut Vec<String>, path: &str, value: &str, shown: &mut Vec<String>) -> Result<(), String> {
    let Some((outer, key)) = path.split_once('.') else {
        let all = lines.len();
        return put_in(lines, 0, all, 0, path, value, shown);
    };
    let Some(at) = lines.iter().position(|line| rest_of(line, 0, outer).is_some()) else {
        for line in [format!("{outer}:"), format!("  {key}: {value}")] {
            shown.push(format!("+ {line}"));
            lines.push(line);
        }
        return Ok(());
    };
    let rest = lines
        .get(at)
        .and_then(|line| rest_of(line, 0, outer))
        .unwrap_or_default()
        .trim();
    if !rest.is_empty() && !rest.starts_with('#') {
        return Err(format!("{outer} stands on one line there"));
    }
    let says = |line: &&String| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let below = lines.iter().skip(at + 1);
    let reach = below.take_while(|line| !says(line) || line.starts_with(' '));
    // Comments after its last line may belong to the next one.
    let ends = reach.enumerate().filter(|(_, line)| says(line)).map(|(at, _)| at + 1);
    let inner = ends.last().unwrap_or(0);
    let first = lines.iter().skip(at + 1).take(inner).find(says);
    let indent = first.map_or(2, |line| line.len() - line.trim_start().len());
    put_in(lines, at + 1, inner, indent, key, value, shown)
}

/// Sets a key within a range of lines that begins at `from`, or adds it after them.
fn put_in(
    lines: &mut Vec<String>,
    from: usize,
    count: usize,
    indent: usize,
    key: &str,
    value: &str,
    shown: &mut Vec<String>,
) -> Result<(), String> {
    let mut there = lines.iter_mut().skip(from).take(count);
    if let Some(line) = there.find(|line| rest_of(line, indent, key).is_some()) {
        let rest = rest_of(line, indent, key).unwrap_or_default();
        let comment = after_value(rest).ok_or_else(|| format!("{key} stands there in another form"))?;
        let new = format!("{}{key}: {value}{comment}", " ".repeat(indent));
        if *line != new {
            shown.extend([format!("- {line}"), format!("+ {new}")]);
            *line = new;
        }
        return Ok(());
    }
    let new = format!("{}{key}: {value}", " ".repeat(indent));
    shown.push(format!("+ {new}"));
    lines.insert(lines.len().min(from + count), new);
    Ok(())
}

/// The rest of a line that begins with `key:` at this indentation.
fn rest_of<'a>(line: &'a str, indent: usize, key: &str) -> Option<&'a str> {
    let (spaces, text) = line.split_at_checked(indent)?;
    let rest = text.strip_prefix(key)?.strip_prefix(':')?;
    let whole = rest.is_empty() || rest.starts_with(' ');
    (whole && spaces.chars().all(|c| c == ' ')).then_some(rest)
}

/// The comment after a value on the same line, with the space before it; `None` for a value that is not one plain or
/// quoted word.
fn after_value(rest: &str) -> Option<&str> {
    let value = rest.trim_start();
    let end = match value.chars().next() {
        None | Some('#') => 0,
        Some('{' | '[' | '|' | '>' | '&' | '*' | '!') => return None,
        Some(quote @ ('"' | '\'')) => value.get(1..)?.find(quote)? + 2,
        Some(_) => value
            .find(" #")
            .and_then(|at| value.get(..at))
            .unwrap_or(value)
            .trim_end()
            .len(),
    };
    let after = value.get(end..)?;
    let comment = after.trim();
    if comment.is_empty() {
        return Some("");
    }
    // In `key:  # comment` the space precedes the absent value.
    let spaced = if end == 0 { rest } else { after };
    (comment.starts_with('#') && spaced.starts_with(' ')).then_some(spaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(all: &[(&str, &str)]) -> Vec<Setting> {
        all.iter()
            .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn lines_are_changed_and_all_others_stay() {
        let endpoint = [("http01.solver", "endpoint"), ("http01.advertise", "10.0.0.1:8089")];
        for (before, all, after) in [
            (
                "",
                &endpoint[..],
                "http01:\n  solver: endpoint\n  advertise: \"10.0.0.1:8089\"\n",
            ),
            (
                "# mine\nemail: a@b.example # me\n",
                &[("production", "corp")],
                "# mine\nemail: a@b.example # me\nproduction: corp\n",
            ),
            (
                "production: letsencrypt   # for now\nemail: a@b.example",
                &[("production", "corp")],
                "production: corp   # for now\nemail: a@b.example\n",
            ),
            (
                "http01:  # how\n    # our own\n    selfCheck: off\n    solver: 'pod' # as before\n\nemail: a@b.example\n",
                &endpoint,
                "http01:  # how\n    # our own\n    selfCheck: off\n    solver: endpoint # as before\n    advertise: \"10.0.0.1:8089\"\n\nemail: a@b.example\n",
            ),
            (
                "http01:\nemail: a@b.example\n",
                &[("http01.solver", "pod")],
                "http01:\n  solver: pod\nemail: a@b.example\n",
            ),
        ] {
            let (text, shown) = changed(before, &settings(all)).unwrap();
            assert_eq!(text, after, "{before}");
            let gone = before.lines().filter(|line| !text.lines().any(|other| other == *line));
            assert_eq!(
                gone.count(),
                shown.iter().filter(|line| line.starts_with('-')).count(),
                "{shown:?}"
            );
            File::parse(&text, "config.yaml", None).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_changed_line_by_line_is_left_to_its_owner() {
        for before in [
            "{email: a@b.example}\n",
            "http01: {solver: pod}\n",
            "\"http01\":\n  solver: pod\n",
            "http01: &h\n  solver: pod\n",
            "email: a@b.example\n...\n",
            "http01:\n  solver: |\n    pod\n",
            "http01:\r\n  solver: pod\r\n",
            "[1]\n",
            "a: b: c\n",
        ] {
            assert!(
                changed(before, &settings(&[("http01.solver", "endpoint")])).is_err(),
                "{before}"
            );
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.yaml");
        fs::write(&path, "http01: {solver: pod}\n").unwrap();
        let refused = Change::in_file(path.clone(), &settings(&[("http01.solver", "endpoint")])).unwrap_err();
        assert_eq!(refused.hint.unwrap(), "write it by hand: `http01: {solver: endpoint}`");
        // A value that the program would refuse is not written either.
        fs::write(&path, "").unwrap();
        assert!(Change::in_file(path, &settings(&[("http01.solver", "nonsense")])).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_replaced_whole_with_its_mode_and_not_when_it_has_changed() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("certs").join("config.yaml");
        let solver = settings(&[("http01.solver", "pod")]);
        Change::in_file(path.clone(), &solver).unwrap().write().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        // Such a link is usual if the file is kept in a repository.
        let link = dir.path().join("link.yaml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let change = Change::in_file(link.clone(), &settings(&[("production", "letsencrypt")])).unwrap();
        assert_eq!(change.shown, ["+ production: letsencrypt"]);
        change.write().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "http01:\n  solver: pod\nproduction: letsencrypt\n"
        );
        let late = Change::in_file(path.clone(), &settings(&[("http01.solver", "endpoint")])).unwrap();
        fs::write(&path, "# another\n").unwrap();
        assert!(late.write().unwrap_err().message.contains("changed by someone else"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "# another\n");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
