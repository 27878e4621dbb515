//! What is new of what is not as it should be, for whoever is told: each thing once when it begins, and once when it is
//! over.
//!
//! Pure. What a leader finds at its first look was told by the one before, or was so when the controller was installed: it
//! is told of when it is over.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    inventory::Inventory,
    notify::{Notice, Topic},
    object::{
        Key, Seconds,
        doing::{Doing, DoingState},
    },
    plan::wanted::last_tenth,
};

/// The rule by which a Secret is held whose former pair was put back.
const ROLLED_BACK: &str = "RolledBack";

/// What is so now: the topic, the Secret if it is about one, and in which words.
type Present = BTreeMap<(Topic, Option<Key>), String>;

/// What was told of and is not over yet.
#[derive(Debug, Default)]
pub struct News {
    /// Of certificates; `None` before the first look of a term.
    certificates: Option<BTreeSet<(Topic, Option<Key>)>>,
    /// Of the installation as a whole.
    standing: BTreeSet<Topic>,
}

impl News {
    /// Forgets what was told: another process has led meanwhile.
    pub fn forget(&mut self) {
        self.certificates = None;
    }

    /// What has begun and what is over since the last look, by what the controller does with each certificate.
    pub fn look<'a>(
        &mut self,
        doings: impl Iterator<Item = &'a Doing>,
        inventory: &Inventory,
        now: Seconds,
    ) -> Vec<Notice> {
        let mut present = Present::new();
        for doing in doings {
            let leaf = inventory.secrets().get(&doing.secret).and_then(|stored| stored.leaf());
            let life = leaf.map(|leaf| (leaf.not_before, leaf.not_after));
            for (topic, message) in topics(doing, life, now) {
                present.insert((topic, Some(doing.secret.clone())), message);
            }
        }
        let keys: BTreeSet<_> = present.keys().cloned().collect();
        let Some(before) = self.certificates.replace(keys) else {
            return Vec::new();
        };
        let over = before.iter().filter(|told| !present.contains_key(*told));
        let over = over.map(|(topic, secret)| notice(*topic, secret.clone(), String::new(), true, now));
        let begun = present.iter().filter(|(what, _)| !before.contains(*what));
        let begun = begun.map(|((topic, secret), message)| notice(*topic, secret.clone(), message.clone(), false, now));
        over.chain(begun).collect()
    }

    /// Takes note of what the leader before has told about the installation as a whole.
    pub fn was_told(&mut self, topic: Topic) {
        self.standing.insert(topic);
    }

    /// Takes note of whether something about the installation as a whole is so; the message says what. Returns what there
    /// is to tell.
    pub fn standing(&mut self, topic: Topic, message: Option<&str>, now: Seconds) -> Option<Notice> {
        match message {
            Some(message) => self
                .standing
                .insert(topic)
                .then(|| notice(topic, None, message.to_owned(), false, now)),
            None => self
                .standing
                .remove(&topic)
                .then(|| notice(topic, None, String::new(), true, now)),
        }
    }
}

fn notice(topic: Topic, secret: Option<Key>, message: String, is_over: bool, at: Seconds) -> Notice {
    Notice {
        topic,
        secret,
        message,
        is_over,
        at,
    }
}

/// What is not as it should be with one certificate, of which `life` has the first and the last second.
fn topics(doing: &Doing, life: Option<(Seconds, Seconds)>, now: Seconds) -> Vec<(Topic, String)> {
    let mut all = Vec::new();
    let message = || doing.message.to_string();
    match doing.state {
        DoingState::Held if doing.reason.as_str() == ROLLED_BACK => all.push((Topic::RolledBack, message())),
        DoingState::Held | DoingState::Limited => all.push((Topic::Held, message())),
        // While it is tried again, it has failed all the same.
        _ if doing.failures > 0 => all.push((Topic::RenewalFailed, message())),
        _ => {}
    }
    if let Some(after) = &doing.after {
        all.push((Topic::NotServed, after.message.to_string()));
    }
    if let Some(without) = &doing.without {
        all.push((Topic::WithoutNames, without.to_string()));
    }
    if !matches!(doing.state, DoingState::Running | DoingState::Held)
        && let Some((begins, ends)) = life
        && last_tenth(begins, ends) <= now
    {
        let why = if doing.message.is_empty() {
            String::new()
        } else {
            format!(": {}", doing.message)
        };
        let until = crate::text::date_time(ends);
        all.push((Topic::Ends, format!("valid until {until}, and not renewed yet{why}")));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doing(name: &str, state: DoingState, failures: u32) -> Doing {
        Doing {
            state,
            failures,
            message: "refused".into(),
            ..Doing::of(Key::new("shop", name))
        }
    }

    fn look(news: &mut News, doings: &[Doing]) -> Vec<(Topic, String, bool)> {
        let notices = news.look(doings.iter(), &Inventory::default(), 1_000);
        let named = |it: Notice| {
            (
                it.topic,
                it.secret.map(|s| s.name.to_string()).unwrap_or_default(),
                it.is_over,
            )
        };
        notices.into_iter().map(named).collect()
    }

    #[test]
    fn each_thing_is_told_once_when_it_begins_and_once_when_it_is_over() {
        let mut news = News::default();
        let held = doing("held-tls", DoingState::Held, 0);
        // Somebody else's certificates are no news on the day of the installation.
        assert!(look(&mut news, std::slice::from_ref(&held)).is_empty());
        let failed = doing("shop-tls", DoingState::BackOff, 1);
        let told = look(&mut news, &[held.clone(), failed.clone()]);
        assert_eq!(told, [(Topic::RenewalFailed, "shop-tls".to_owned(), false)]);
        // It fails again, and in other words.
        let mut again = doing("shop-tls", DoingState::Running, 2);
        again.message = "no answer".into();
        assert!(look(&mut news, &[held.clone(), again]).is_empty());
        let told = look(&mut news, &[held]);
        assert_eq!(told, [(Topic::RenewalFailed, "shop-tls".to_owned(), true)]);
        let told = look(&mut news, &[]);
        assert_eq!(told, [(Topic::Held, "held-tls".to_owned(), true)]);
    }

    #[test]
    fn another_leader_tells_nothing_again_and_what_is_over_all_the_same() {
        let mut news = News::default();
        let failed = doing("shop-tls", DoingState::BackOff, 1);
        look(&mut news, &[]);
        look(&mut news, std::slice::from_ref(&failed));
        news.forget();
        assert!(look(&mut news, &[failed]).is_empty());
        assert_eq!(
            look(&mut news, &[]),
            [(Topic::RenewalFailed, "shop-tls".to_owned(), true)]
        );
    }

    #[test]
    fn the_last_tenth_of_a_life_is_told_unless_it_is_being_renewed_or_somebody_elses() {
        let life = Some((0, 1_000));
        let of = |state, now| -> Vec<Topic> {
            let doing = doing("a", state, 0);
            topics(&doing, life, now).into_iter().map(|(topic, _)| topic).collect()
        };
        assert!(of(DoingState::Waiting, 899).is_empty());
        assert_eq!(of(DoingState::Waiting, 900), [Topic::Ends]);
        assert!(of(DoingState::Running, 950).is_empty());
        assert_eq!(of(DoingState::Held, 950), [Topic::Held]);
        let mut back = doing("a", DoingState::Held, 0);
        back.reason = ROLLED_BACK.into();
        assert_eq!(topics(&back, None, 0)[0].0, Topic::RolledBack);
    }

    #[test]
    fn an_incident_of_the_ca_is_one_notice_and_its_end_another() {
        let mut news = News::default();
        assert!(news.standing(Topic::CaDown, None, 0).is_none());
        let begun = news.standing(Topic::CaDown, Some("it does not answer"), 0);
        assert!(begun.is_some_and(|it| !it.is_over && it.message == "it does not answer"));
        assert!(news.standing(Topic::CaDown, Some("it does not answer"), 9).is_none());
        assert!(news.standing(Topic::CaDown, None, 10).is_some_and(|it| it.is_over));
        // What the leader before has told is not told again, and its end is.
        news.was_told(Topic::RehearsalFailed);
        assert!(news.standing(Topic::RehearsalFailed, Some("refused"), 11).is_none());
        assert!(
            news.standing(Topic::RehearsalFailed, None, 12)
                .is_some_and(|it| it.is_over)
        );
    }
}
