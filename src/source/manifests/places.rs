//! The position of each object: its file, and the line on which it begins.

use std::{collections::HashMap, path::Path};

use crate::object::{Key, Kind};

/// The positions of the objects that were read. Of two objects with one kind and name the last counts, as it does for
/// findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    files: Vec<String>,
    objects: HashMap<(Kind, Key), (u32, u32)>,
}

impl Places {
    /// Sets the file of the following objects.
    pub(super) fn file(&mut self, file: &str) {
        self.files.push(file.to_owned());
    }

    /// Records the position of an object in that file.
    pub(super) fn object(&mut self, kind: Kind, key: Key, line: Option<usize>) {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let Some(file) = self.files.len().checked_sub(1) else {
            return;
        };
        let line = number(line.unwrap_or_default());
        self.objects.insert((kind, key), (number(file), line));
    }

    /// The file of an object, and its first line, from 1, if that is known. `None` if it is in no file.
    pub fn get(&self, kind: Kind, key: &Key) -> Option<(&str, Option<usize>)> {
        let (file, line) = self.objects.get(&(kind, key.clone()))?;
        let file = self.files.get(usize::try_from(*file).ok()?)?;
        let line = usize::try_from(*line).ok().filter(|line| *line > 0);
        (file != super::collect::STDIN).then_some((file, line))
    }

    /// Makes the names of files below `directory` relative to it, because tools that annotate a repository's files
    /// expect that.
    pub fn relative_to(&mut self, directory: &Path) {
        for file in &mut self.files {
            let path = Path::new(file.as_str());
            let below = path.strip_prefix(directory).or_else(|_| path.strip_prefix("."));
            if let Ok(below) = below {
                *file = below.to_string_lossy().into_owned();
            }
        }
    }
}
