//! Where each object stands: its file, and the line on which it begins.

use std::{collections::HashMap, path::Path};

use crate::object::{Key, Kind};

/// The places of the objects that were read. Of two of one kind and name the last counts, as it does for the findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    files: Vec<String>,
    objects: HashMap<(Kind, Key), (u32, u32)>,
}

impl Places {
    /// Notes the file that is read from now on.
    pub(super) fn file(&mut self, file: &str) {
        self.files.push(file.to_owned());
    }

    /// Notes where an object of that file stands.
    pub(super) fn object(&mut self, kind: Kind, key: Key, line: Option<usize>) {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let Some(file) = self.files.len().checked_sub(1) else {
            return;
        };
        let line = number(line.unwrap_or_default());
        self.objects.insert((kind, key), (number(file), line));
    }

    /// The file of an object, and its first line, from 1, where that is known. `None` for what stands in no file.
    pub fn get(&self, kind: Kind, key: &Key) -> Option<(&str, Option<usize>)> {
        let (file, line) = self.objects.get(&(kind, key.clone()))?;
        let file = self.files.get(usize::try_from(*file).ok()?)?;
        let line = usize::try_from(*line).ok().filter(|line| *line > 0);
        (file != super::collect::STDIN).then_some((file, line))
    }

    /// Names the files as seen from `directory`, where they are below it: what annotates a repository's files knows them so.
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
