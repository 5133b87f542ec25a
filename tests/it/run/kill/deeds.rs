//! What people push while daemons die: deployments, training, reverts, and what bots write.

use trueup::demo::example::{CONFIG, FILES};

use crate::run::bots;
use crate::run::person::Person;
use crate::sim::random::Random;

/// Percentages of what is captured: a deployment that trains nothing.
const CAPTURES: [u32; 4] = [100, 50, 20, 10];
/// Commits that a bot pushes together at most.
const BOTS_MAX: u64 = 4;

/// What the configuration says of what is changed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wish {
    /// Training number: another one is another candidate.
    training: u32,
    capture: u32,
}

/// People who push.
pub(super) struct Deeds {
    random: Random,
    now: Wish,
    /// What was wished before the commit that can be reverted.
    before: Option<(String, Wish)>,
    /// The trainings so far.
    trainings: u32,
    written: usize,
    pub(super) pushes: usize,
}

impl Deeds {
    /// On the example as it is.
    pub(super) fn new(random: Random) -> Self {
        Self {
            random,
            now: Wish {
                training: 0,
                capture: CAPTURES[0],
            },
            before: None,
            trainings: 0,
            written: 0,
            pushes: 0,
        }
    }

    /// Does one thing. `true`: it asks for another candidate.
    pub(super) fn one(&mut self, person: &Person) -> bool {
        match self.random.below(8) {
            0..=2 => self.deploy(person),
            3 | 4 => self.write(person),
            5 => self.train(person),
            _ => self.revert(person),
        }
    }

    /// Asks for a candidate that was never asked for.
    pub(super) fn train(&mut self, person: &Person) -> bool {
        self.trainings += 1;
        let training = self.trainings;
        self.wish(
            person,
            Wish {
                training,
                ..self.now
            },
        )
    }

    fn deploy(&mut self, person: &Person) -> bool {
        let others: Vec<_> = CAPTURES
            .into_iter()
            .filter(|capture| *capture != self.now.capture)
            .collect();
        let capture = *self.random.pick(&others);
        self.wish(
            person,
            Wish {
                capture,
                ..self.now
            },
        )
    }

    fn wish(&mut self, person: &Person, wish: Wish) -> bool {
        let files = vec![(CONFIG.to_owned(), config(wish))];
        let commit = person.write(&[files]);
        self.pushes += 1;
        let before = std::mem::replace(&mut self.now, wish);
        self.before = Some((commit, before));
        before.training != wish.training
    }

    /// Takes the last wish back, if there is one to take back.
    fn revert(&mut self, person: &Person) -> bool {
        let Some((commit, before)) = self.before.take() else {
            return self.write(person);
        };
        person.revert(&commit);
        self.pushes += 1;
        let now = std::mem::replace(&mut self.now, before);
        now.training != before.training
    }

    fn write(&mut self, person: &Person) -> bool {
        let count = 1 + usize::try_from(self.random.below(BOTS_MAX)).unwrap();
        let numbers = self.written..self.written + count;
        person.write(&numbers.map(bots::writes).collect::<Vec<_>>());
        self.written += count;
        self.pushes += 1;
        false
    }
}

/// The example's configuration, with a wish.
fn config(wish: Wish) -> String {
    let file = FILES.iter().find(|file| file.path == CONFIG).unwrap();
    let text = std::str::from_utf8(file.bytes).unwrap();
    let l2 = format!("l2: 0.001{:04}", wish.training);
    let capture = format!("sampling_percentage: {}", wish.capture);
    assert!(text.contains("l2: 0.001,") && text.contains("sampling_percentage: 100,"));
    text.replacen("l2: 0.001", &l2, 1)
        .replacen("sampling_percentage: 100", &capture, 1)
}
