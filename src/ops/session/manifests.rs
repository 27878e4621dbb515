//! What is read of files, in place of a cluster.

use std::{collections::BTreeSet, path::PathBuf};

use super::{Open, Session};
use crate::{
    error::Blame,
    inventory::Inventory,
    object::{NotJudged, Text, carrier::carrier},
    ops::{Front, OpError, Source, named::Named, reach},
    scan::secrets::Unresolved,
    source::manifests,
};

impl Session {
    /// Takes what the files of a source hold.
    pub(super) fn read_manifests(
        &mut self,
        source: &Source,
        targets: &[Named],
        open: Open,
        front: &dyn Front,
    ) -> Result<(), OpError> {
        // Manifests are all read unless namespaces are named: there is no context to take one from.
        self.scope = self.scoped(source, open, None)?;
        self.begin(Inventory::new("", true), reach::of_manifests(source), source, open);
        let default_namespace = source.namespace.first().map_or("default", String::as_str).into();
        let options = manifests::Options {
            recursive: source.recursive,
            default_namespace,
            scope: &self.scope,
        };
        let mut changes = Vec::new();
        let mut outcome = manifests::read(
            &source.filename,
            &options,
            &mut std::io::stdin().lock(),
            &mut |change| changes.push(change),
        );
        let mut unresolved = Unresolved::default();
        let mut changes = changes.into_iter();
        unresolved.take_all(|| changes.next(), &mut self.inventory, &self.judge, &mut |_| {});
        self.inventory.derive();
        unresolved.judge_again(&mut self.inventory, &self.judge);
        self.inventory.derive();
        self.read.unresolved = unresolved;
        self.want(targets);
        self.places = std::mem::take(&mut outcome.places);
        if let Ok(here) = std::env::current_dir() {
            self.places.relative_to(&here);
        }
        for error in &outcome.errors {
            front.error(&error.to_string());
            self.trouble = self.trouble.max(Some(Blame::Usage));
        }
        if outcome.documents == 0 && outcome.errors.is_empty() && !open.may_be_empty {
            return Err(no_manifests(source));
        }
        tell_absent(source, &outcome.namespaces, front);
        let found = outcome.carriers.iter().filter_map(|((api_version, kind), count)| {
            Some(NotJudged {
                carrier: carrier(api_version, kind)?,
                api_version: api_version.as_str().into(),
                count: Some(*count),
            })
        });
        self.not_judged = found.collect();
        if !outcome.skipped.is_empty() && !open.quiet {
            let mut kinds: Vec<(&String, &usize)> = outcome.skipped.iter().collect();
            kinds.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
            let total: usize = kinds.iter().map(|(_, n)| **n).sum();
            let named: Vec<String> = kinds.iter().take(4).map(|(kind, n)| format!("{n} {kind}")).collect();
            let more = if kinds.len() > 4 { ", ..." } else { "" };
            let objects = if total == 1 { "object" } else { "objects" };
            front.note(&format!(
                "skipped {total} {objects} of other kinds: {}{more}",
                named.join(", ")
            ));
        }
        Ok(())
    }
}

/// The failure of input that holds nothing: of a pipe whose writer failed, or a directory that was not meant.
fn no_manifests(source: &Source) -> OpError {
    let stdin = |file: &PathBuf| file.as_os_str() == "-";
    let names: Vec<String> = source
        .filename
        .iter()
        .map(|file| {
            if stdin(file) {
                "standard input".to_owned()
            } else {
                file.display().to_string()
            }
        })
        .collect();
    let failure = OpError::usage(format!("there is no manifest in {}", names.join(", ")));
    if source.filename.iter().any(|file| file.is_dir()) && !source.recursive {
        failure.hint("files that end in .yaml, .yml or .json are read; -R reads the directories below too")
    } else if source.filename.iter().any(stdin) {
        failure.hint("check whether the command that writes it fails")
    } else {
        failure
    }
}

/// Tells which of the namespaces that were named no object is in: a misspelled one would pass for one without findings. An object
/// whose manifest names none is in the first of them.
fn tell_absent(source: &Source, held: &BTreeSet<Text>, front: &dyn Front) {
    let all = || held.iter().map(|namespace| &**namespace);
    for absent in source
        .namespace
        .iter()
        .filter(|name| !all().any(|held| held == name.as_str()))
    {
        let meant =
            crate::text::nearest(absent, all()).map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
        front.warn(&format!("no manifest has an object in namespace {absent:?}{meant}"));
    }
}
