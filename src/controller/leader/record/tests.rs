use proptest::prelude::*;

use super::*;

const OWN: &str = "pod-1_0";

fn timing() -> Timing {
    Timing::default()
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn lease(uid: &str, holder: &str, transitions: i64, renewed: &str) -> Value {
    json!({
        "metadata": {"namespace": "certs", "name": "x", "uid": uid, "resourceVersion": "7"},
        "spec": {"holderIdentity": holder, "leaseTransitions": transitions, "renewTime": renewed, "leaseDurationSeconds": 15},
    })
}

/// Judges what is seen at each moment.
fn look(observation: &mut Observation, present: Option<&Value>, at: u64) -> Verdict {
    observation.judge(present, OWN, (s(at), s(at)), &timing())
}

fn held(who: &str) -> Verdict {
    Verdict::Held(Some(who.into()))
}

#[test]
fn a_lease_is_free_once_it_was_seen_unchanged_for_as_long_as_it_lasts() {
    let mut observation = Observation::default();
    let (one, two) = (lease("u", "other", 1, "t1"), lease("u", "other", 1, "t2"));
    assert_eq!(look(&mut observation, Some(&one), 100), held("other"));
    assert_eq!(look(&mut observation, Some(&one), 114), held("other"));
    assert_eq!(look(&mut observation, Some(&two), 115), held("other"), "it was renewed");
    assert_eq!(look(&mut observation, Some(&two), 129), held("other"));
    assert_eq!(look(&mut observation, Some(&two), 130), Verdict::Free(Free::Unrenewed));
    // Another's annotation is no renewal.
    let mut noted = two;
    noted["metadata"]["annotations"] = json!({"note": "by somebody"});
    noted["metadata"]["resourceVersion"] = "8".into();
    assert_eq!(
        look(&mut observation, Some(&noted), 131),
        Verdict::Free(Free::Unrenewed)
    );
}

#[test]
fn the_moment_counts_at_which_the_answer_came_and_the_last_question_was_asked() {
    let mut observation = Observation::default();
    let one = lease("u", "other", 1, "t1");
    observation.judge(Some(&one), OWN, (s(0), s(3)), &timing());
    let verdict = observation.judge(Some(&one), OWN, (s(17), s(99)), &timing());
    assert_eq!(verdict, held("other"));
    let verdict = observation.judge(Some(&one), OWN, (s(18), s(99)), &timing());
    assert_eq!(verdict, Verdict::Free(Free::Unrenewed));
}

#[test]
fn what_was_given_back_is_taken_at_once_and_what_is_absent_after_a_while() {
    let mut observation = Observation::default();
    assert_eq!(look(&mut observation, None, 0), Verdict::Absent);
    let mut anew = anew(&Key::new("certs", "x"), s(0));
    anew["metadata"]["uid"] = "u".into();
    assert_eq!(look(&mut observation, Some(&anew), 0), Verdict::Held(None));
    // It is absent again, and was made by another that led meanwhile.
    assert_eq!(look(&mut observation, None, 100), Verdict::Absent);
    anew["metadata"]["uid"] = "v".into();
    assert_eq!(look(&mut observation, Some(&anew), 101), Verdict::Held(None));
    assert_eq!(look(&mut observation, Some(&anew), 115), Verdict::Held(None));
    assert_eq!(look(&mut observation, Some(&anew), 116), Verdict::Free(Free::Unrenewed));
    let mut observation = Observation::default();
    let vacant = vacant(&Key::new("certs", "x"));
    assert_eq!(look(&mut observation, Some(&vacant), 0), Verdict::Free(Free::GivenBack));
    let mut observation = Observation::default();
    look(&mut observation, Some(&lease("u", "other", 4, "t1")), 0);
    let released = lease("u", "", 4, "t2");
    assert_eq!(
        look(&mut observation, Some(&released), 1),
        Verdict::Free(Free::GivenBack)
    );
}

#[test]
fn a_lease_that_was_made_anew_or_put_back_is_not_taken_while_its_leader_may_not_know() {
    for (uid, transitions) in [("v", 9), ("u", 3)] {
        for holder in ["", OWN] {
            let mut observation = Observation::default();
            look(&mut observation, Some(&lease("u", "other", 4, "t1")), 10);
            let back = lease(uid, holder, transitions, "t0");
            for at in [11, 24] {
                assert_eq!(
                    look(&mut observation, Some(&back), at),
                    Verdict::Held(None),
                    "{uid} {holder} {at}"
                );
            }
            let verdict = look(&mut observation, Some(&back), 25);
            assert!(matches!(verdict, Verdict::Free(_)), "{verdict:?}");
        }
    }
    // It is its own by a request whose answer was lost.
    let mut observation = Observation::default();
    look(&mut observation, Some(&lease("u", "other", 4, "t1")), 10);
    let own = lease("u", OWN, 5, "t2");
    assert_eq!(look(&mut observation, Some(&own), 11), Verdict::Free(Free::Own));
}

#[test]
fn each_acquisition_adds_one_and_keeps_what_it_does_not_know() {
    let key = Key::new("certs", "x");
    let mut present = lease("u", "", 4, "t");
    present["spec"]["preferredHolder"] = "later".into();
    present["metadata"]["labels"] = json!({"own": "1"});
    let taken = |present, before| taken(present, &key, OWN, before, &timing(), Duration::from_millis(1_500));
    let of = taken(Some(&present), 0);
    assert_eq!(of["spec"]["leaseTransitions"], 5);
    assert_eq!(
        (&of["spec"]["preferredHolder"], &of["metadata"]),
        (&json!("later"), &present["metadata"])
    );
    assert_eq!(of["spec"]["renewTime"], "1970-01-01T00:00:01.500000Z");
    assert_eq!(
        (&of["spec"]["holderIdentity"], &of["spec"]["leaseDurationSeconds"]),
        (&json!(OWN), &json!(15))
    );
    // A backup does not bring an epoch of this process back.
    assert_eq!(taken(Some(&present), 7)["spec"]["leaseTransitions"], 8);
    let new = taken(None, 0);
    assert_eq!(
        (&new["spec"]["leaseTransitions"], &new["kind"]),
        (&json!(1), &json!("Lease"))
    );
    let back = given_back(&of, s(9));
    assert!(back["spec"].get("holderIdentity").is_none() && back["spec"]["leaseTransitions"] == 5);
    let hostile = json!({"metadata": {}, "spec": {"leaseTransitions": i64::MAX, "leaseDurationSeconds": -4}});
    assert_eq!(taken(Some(&hostile), 0)["spec"]["leaseTransitions"], 1);
    assert_eq!(taken(Some(&json!({"spec": "no"})), 0)["spec"]["leaseTransitions"], 1);
}

#[test]
fn a_leader_renews_what_it_holds_and_nothing_else() {
    let mut holding = Holding::new(lease("u", OWN, 5, "t1"));
    let mut noted = holding.lease.clone();
    noted["metadata"]["resourceVersion"] = "8".into();
    let first = holding.renewal(Some(&noted), s(3)).unwrap();
    assert_eq!(first["metadata"], noted["metadata"]);
    // The answer was lost, and the renewal is there.
    assert!(holding.renewal(Some(&first), s(5)).is_some());
    for (what, found) in [
        ("deleted", None),
        ("another's", Some(lease("u", "other", 6, "t9"))),
        ("given away", Some(lease("u", "", 5, "t1"))),
        ("made anew", Some(lease("v", OWN, 5, "t1"))),
        ("of an earlier term", Some(lease("u", OWN, 4, "t1"))),
        ("put back", Some(lease("u", OWN, 5, "t0"))),
    ] {
        assert_eq!(holding.renewal(found.as_ref(), s(6)), None, "{what}");
    }
    assert!(holding.keep(first.clone()) && !holding.keep(lease("u", "other", 6, "t9")));
    assert_eq!(holding.lease, first);
    assert!(
        holding.renewal(Some(&noted), s(7)).is_none(),
        "it was put back to before the renewal"
    );
}

/// A world of processes and one Lease, in steps of a tenth of a second.
#[derive(Debug, Clone)]
enum Fate {
    /// A process does nothing for so many steps: it is stopped, asleep or without network.
    Stall(usize, u64),
    /// The Lease is deleted.
    Delete,
    /// A process gives it back, if it holds it.
    GiveBack(usize),
    /// Somebody annotates it.
    Touch,
}

fn fates() -> impl Strategy<Value = Vec<(u64, Fate)>> {
    let fate = prop_oneof![
        4 => (0..3_usize, 1..400_u64).prop_map(|(who, steps)| Fate::Stall(who, steps)),
        1 => Just(Fate::Delete),
        2 => (0..3_usize).prop_map(Fate::GiveBack),
        1 => Just(Fate::Touch),
    ];
    prop::collection::vec((1..200_u64, fate), 0..24)
}

struct World {
    lease: Option<Value>,
    made: u64,
}

struct Process {
    name: String,
    observation: Observation,
    transitions: i64,
    held: Option<(Holding, Duration)>,
    /// Does nothing until then.
    stalled: u64,
    next: u64,
}

impl World {
    fn write(&mut self, mut lease: Value) -> Value {
        if self.lease.is_none() {
            self.made += 1;
            lease["metadata"]["uid"] = format!("u{}", self.made).into();
        }
        self.lease = Some(lease.clone());
        lease
    }
}

impl Process {
    fn step(&mut self, world: &mut World, now: Duration, timing: &Timing) {
        if let Some((holding, until)) = &mut self.held {
            let renewal = (now < *until)
                .then(|| holding.renewal(world.lease.as_ref(), now))
                .flatten();
            if let Some(renewal) = renewal {
                assert!(holding.keep(world.write(renewal)));
                *until = now + timing.deadline;
            } else {
                self.held = None;
                self.observation = Observation::default();
            }
            return;
        }
        let present = world.lease.clone();
        let verdict = self.observation.judge(present.as_ref(), &self.name, (now, now), timing);
        if verdict == Verdict::Absent {
            world.write(anew(&Key::new("certs", "x"), now));
        }
        if matches!(verdict, Verdict::Free(_)) {
            let key = Key::new("certs", "x");
            let lease = taken(present.as_ref(), &key, &self.name, self.transitions, timing, now);
            let holding = Holding::new(world.write(lease));
            self.transitions = self.transitions.max(holding.record().transitions);
            self.held = Some((holding, now + timing.deadline));
        }
    }

    fn may_act(&self, now: Duration) -> bool {
        self.held.as_ref().is_some_and(|(_, until)| now < *until)
    }
}

proptest! {
    #[test]
    fn never_do_two_processes_have_a_permission_at_once_and_there_is_always_a_next_leader(fates in fates()) {
        let timing = timing();
        let mut world = World { lease: Some(vacant(&Key::new("certs", "x"))), made: 0 };
        world.lease.as_mut().unwrap()["metadata"]["uid"] = "u0".into();
        let mut all: Vec<Process> = (0..3).map(|number| Process {
            name: format!("pod-{number}"),
            observation: Observation::default(),
            transitions: 0,
            held: None,
            stalled: 0,
            next: number * 7,
        }).collect();
        let mut epochs: Vec<(Text, i64, String)> = Vec::new();
        let mut fates = fates.into_iter();
        let mut coming = fates.next();
        let (mut wait, mut deleted) = (0, false);
        for step in 1..8_000_u64 {
            let now = Duration::from_millis(step * 100);
            if let Some((after, fate)) = &coming {
                wait += 1;
                if wait >= *after {
                    match fate {
                        Fate::Stall(who, steps) => all[*who].stalled = step + steps,
                        Fate::Delete => (world.lease, deleted) = (None, true),
                        Fate::GiveBack(who) => {
                            let process = &mut all[*who];
                            let is_awake = process.stalled <= step;
                            if is_awake && let Some((holding, _)) = process.held.take() {
                                process.observation = Observation::default();
                                let present = world.lease.clone();
                                let ours = present.filter(|lease| Record::of(lease) == *holding.record());
                                if let Some(lease) = ours {
                                    world.write(given_back(&lease, now));
                                }
                            }
                        }
                        Fate::Touch => {
                            if let Some(lease) = &mut world.lease {
                                lease["metadata"]["annotations"] = json!({"step": step.to_string()});
                            }
                        }
                    }
                    (wait, coming) = (0, fates.next());
                }
            }
            for process in &mut all {
                if process.stalled <= step && process.next <= step {
                    let before = process.held.is_some();
                    process.step(&mut world, now, &timing);
                    process.next = step + if process.held.is_some() { 20 } else { 14 };
                    if let (false, Some((holding, _))) = (before, &process.held) {
                        let of = holding.record();
                        let epoch = (of.uid.clone(), of.transitions, process.name.clone());
                        prop_assert!(!epochs.contains(&epoch), "{epoch:?} comes back");
                        epochs.push(epoch);
                    }
                }
            }
            let acting = all.iter().filter(|process| process.may_act(now)).count();
            prop_assert!(acting <= 1, "{acting} lead at {now:?}, deleted: {deleted}");
        }
        prop_assert_eq!(all.iter().filter(|process| process.held.is_some()).count(), 1);
    }
}
