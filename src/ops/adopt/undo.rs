//! `--undo`: this program lets go, then everything is as it was, in the order that never leaves two keepers.

use serde_json::{Map, Value};

use super::{
    Context, Front, OpError, Report, Request,
    carry::{Carrier, annotated},
    confirm, is_of, key_of, may_be_changed,
    objects::resource as resource_of,
    permits,
};
use crate::{
    apply::{
        Api, ApiError, Slots,
        adopted::{self, CertificateBefore, ProgramBefore, Record, RouteBefore, SecretBefore, State, Which},
    },
    error::Blame,
    object::{
        annotation,
        resource::{CERTIFICATE, SECRET},
    },
    text::{Clear, counted},
};

/// Shows what is given back, asks, and gives it back.
pub(super) async fn run(
    request: &Request,
    context: &Context,
    api: &Api,
    namespaces: &[String],
    all: Vec<(String, Record)>,
) -> Result<Report, OpError> {
    let front = &**context.front();
    let is_meant = |record: &Record| record.is_from(&request.from) && is_of(record, namespaces);
    let (meant, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, record)| is_meant(record));
    let Some((at, _)) = meant.first().cloned() else {
        front.note("nothing that was adopted is left to give back here");
        return Ok(Report::default());
    };
    if meant.iter().any(|(other, _)| *other != at) {
        return Err(OpError::usage("several installations have adopted something here")
            .hint("--controller-namespace names the one whose certificates are given back"));
    }
    let records: Vec<Record> = meant.into_iter().map(|(_, record)| record).collect();
    // What ran for others too stays ended, or these would have two keepers.
    let stays = |program: &Which| {
        let mut left = others.iter();
        left.any(|(_, record)| record.programs.iter().any(|one| one.program == *program))
    };
    let would = if request.is_dry { "would " } else { "" };
    let mut lines = Vec::new();
    for record in &records {
        lines.extend(
            record
                .name()
                .map(|name| format!("Secret {name}, to {}:", record.formers.join(" and "))),
        );
        lines.extend(steps(record, &stays).into_iter().map(|step| format!("  {would}{step}")));
    }
    let text: String = lines.iter().map(|line| Clear(line).to_string() + "\n").collect();
    front.print(&text)?;
    if request.is_dry {
        return Ok(Report::default());
    }
    let permits = permits(&records, &at, true);
    may_be_changed(api, &permits, front).await?;
    let count = records.iter().map(|record| record.secrets.len()).sum();
    confirm(context, format!("Give {} back?", counted(count, "certificate"))).await?;
    let carrier = Carrier::new(api.with_permits(permits), context, &at, String::new(), Slots::default());
    context.cancel.begin();
    let mut report = Report::default();
    // First for all of them: what runs may be one program for several.
    let (mut free, mut failed) = (Vec::new(), Vec::new());
    for record in &records {
        match carrier.leave(record).await {
            Ok(()) => free.push(record),
            Err(error) => {
                report.trouble = report.trouble.max(Some(carrier.failed(record, &error)));
                failed.push(record);
            }
        }
    }
    let has = |record: &Record, program: &Which| record.programs.iter().any(|one| one.program == *program);
    let stays = |program: &Which| stays(program) || failed.iter().any(|record| has(record, program));
    for record in free {
        match carrier.give_back(record, &stays).await {
            Ok(()) => report.done += record.secrets.len(),
            Err(error) => report.trouble = report.trouble.max(Some(carrier.failed(record, &error))),
        }
    }
    carrier.is_wanted()?;
    front.note(&format!(
        "{} given back, and nothing was ordered",
        counted(report.done, "certificate")
    ));
    Ok(report)
}

/// What is done, in its order, in words.
fn steps(record: &Record, stays: &impl Fn(&Which) -> bool) -> Vec<String> {
    let mut all = Vec::new();
    for before in record.routes.iter().filter(|before| before.is_asked) {
        all.push(match &before.asked_before {
            Some(value) => format!(
                "give {} back the annotation {}={value}",
                before.route,
                annotation::TLS_ACME
            ),
            None => format!("take the annotation {} from {}", annotation::TLS_ACME, before.route),
        });
    }
    let secrets = record.secrets.iter();
    all.extend(secrets.map(|before| format!("take the claim from {}, and give it its marks back", before.secret)));
    for before in record.programs.iter().filter(|before| !stays(&before.program)) {
        let value = if before.before.is_null() {
            "its default".to_owned()
        } else {
            before.before.to_string()
        };
        all.push(format!("set {} of {} to {value}", before.field, before.program));
    }
    let certificates = record.certificates.iter();
    all.extend(certificates.map(|before| format!("create {} again", before.certificate)));
    for before in &record.routes {
        for (name, value) in &before.taken {
            let value = value.as_str().unwrap_or_default();
            all.push(format!("give {} back the annotation {name}={value}", before.route));
        }
    }
    all
}

impl Carrier<'_> {
    /// This program lets go.
    async fn leave(&self, record: &Record) -> Result<(), OpError> {
        self.is_wanted()?;
        self.note(record, State::Returning).await?;
        for before in record.routes.iter().filter(|before| before.is_asked) {
            self.is_wanted()?;
            self.ask_as_before(before).await?;
        }
        for before in &record.secrets {
            self.is_wanted()?;
            self.mark_again(before).await?;
        }
        Ok(())
    }

    /// The former keepers take it.
    async fn give_back(&self, record: &Record, stays: &impl Fn(&Which) -> bool) -> Result<(), OpError> {
        self.is_wanted()?;
        for before in record.programs.iter().filter(|before| !stays(&before.program)) {
            self.run_again(before).await?;
        }
        for before in &record.certificates {
            self.is_wanted()?;
            self.create_again(before, record).await?;
        }
        for before in &record.routes {
            self.is_wanted()?;
            self.ask_again(before).await?;
        }
        let Some(object) = record.object(&self.namespace, &self.run) else {
            return Ok(());
        };
        let deleted = self.api.delete(SECRET, &key_of(&object), None).await;
        deleted.map(drop).map_err(|error| OpError::because(&error))
    }

    /// The annotation that asks this program is as it was, unless somebody has changed it since.
    async fn ask_as_before(&self, before: &RouteBefore) -> Result<(), OpError> {
        let value = before.asked_before.as_deref().map_or(Value::Null, Value::from);
        let wanted = Map::from_iter([(annotation::TLS_ACME.to_owned(), value)]);
        let patch = |object: &Value| {
            let is_ours = object["metadata"]["annotations"][annotation::TLS_ACME] == "true";
            is_ours.then(|| annotated(object, &wanted))
        };
        self.change(&before.route, patch).await.map(drop)
    }

    async fn mark_again(&self, before: &SecretBefore) -> Result<(), OpError> {
        let found = self
            .change(&before.secret, |object| adopted::give_back(object, before))
            .await?;
        if found.is_none() {
            self.told(&format!(
                "{} is gone or another one: it is left as it is",
                before.secret
            ));
            return Ok(());
        }
        // Its keepers manage it again, and this program does not.
        self.change(&before.secret, |object| adopted::give_managers_back(object, before))
            .await
            .map(drop)
    }

    async fn run_again(&self, before: &ProgramBefore) -> Result<(), OpError> {
        // What somebody has set since stays.
        let found = resource_of(&before.program);
        let Some(resource) = found else { return Ok(()) };
        let now = self.get(resource, &before.program.key()).await?;
        match now {
            Some(object) if object["spec"][before.field.as_str()] == before.meanwhile => {
                self.set(before, &before.before).await
            }
            Some(_) => Ok(()),
            None => {
                self.told(&format!("{} is gone", before.program));
                Ok(())
            }
        }
    }

    async fn create_again(&self, before: &CertificateBefore, record: &Record) -> Result<(), OpError> {
        let key = before.certificate.key();
        if let Some(found) = self.get(CERTIFICATE, &key).await? {
            if !found["metadata"]["deletionTimestamp"].is_null() {
                return Err(
                    OpError::new(Blame::Write, format!("Certificate {key} is still being deleted"))
                        .hint("see its finalizers; running this again goes on"),
                );
            }
            if !before.certificate.is(&found) {
                self.told(&format!("Certificate {key} is there already: it is left as it is"));
            }
            return Ok(());
        }
        let mut object = before.object.clone();
        // An owner that is another object by now, or gone, would take it along.
        let mut owners = Vec::new();
        for owner in object["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
            let route = record.routes.iter().find(|one| owner["uid"] == one.route.uid.as_str());
            let Some(route) = route else { continue };
            let Some(resource) = resource_of(&route.route) else {
                continue;
            };
            let found = self.get(resource, &route.route.key()).await?;
            owners.extend(found.filter(|found| route.route.is(found)).map(|_| owner.clone()));
        }
        if let Some(meta) = object["metadata"].as_object_mut() {
            meta.remove("ownerReferences");
            if !owners.is_empty() {
                meta.insert("ownerReferences".to_owned(), owners.into());
            }
        }
        match self.api.create(CERTIFICATE, &object).await {
            Ok(_) | Err(ApiError::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(OpError::because(&error)),
        }
    }

    /// What asked cert-manager asks it again, unless somebody has said something else since.
    async fn ask_again(&self, before: &RouteBefore) -> Result<(), OpError> {
        let patch = |object: &Value| {
            let present = &object["metadata"]["annotations"];
            let missing = before.taken.iter().filter(|(name, _)| present[name.as_str()].is_null());
            let wanted: Map<String, Value> = missing.map(|(name, value)| (name.clone(), value.clone())).collect();
            (!wanted.is_empty()).then(|| annotated(object, &wanted))
        };
        let found = self.change(&before.route, patch).await?;
        if found.is_none() {
            self.told(&format!("{} is gone or another one: it is left as it is", before.route));
        }
        Ok(())
    }

    fn told(&self, text: &str) {
        let front: &dyn Front = &**self.context.front();
        front.note(text);
    }
}
