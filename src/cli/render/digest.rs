//! Many lines like one another are told as one: an outage of a thousand models is some lines and a
//! count, and what goes back and forth is told less and less often.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use super::news::News;
use crate::limits::{NEWS_ALIKE_MAX, NEWS_OF_ONE_MAX, NEWS_PERIOD_MAX};

/// How long lines of one kind are counted together, at first.
const PERIOD: Duration = Duration::from_mins(1);
/// How long those about one thing are: what flaps does so at the pace of its deployments.
const PERIOD_OF_ONE: Duration = Duration::from_mins(10);

/// Lets through what a person can read.
#[derive(Debug)]
pub struct Digest {
    open: BTreeMap<Alike, Period>,
    /// When what is long over was last forgotten.
    swept: Instant,
}

/// What lines have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Alike {
    /// Their kind, whatever they are about.
    Kind(&'static str),
    /// What they are about, too.
    One(&'static str, String),
}

/// Lines that have something in common, since a time.
#[derive(Debug, Clone)]
struct Period {
    since: Instant,
    length: Duration,
    told: usize,
    held: usize,
    /// The newest that was not told.
    last: Option<News>,
}

impl Digest {
    /// Nothing was told yet.
    pub fn new(now: Instant) -> Self {
        Self {
            open: BTreeMap::new(),
            swept: now,
        }
    }

    /// The line, if it is to be told now; otherwise it is counted.
    pub fn take(&mut self, news: News, now: Instant) -> Option<News> {
        self.sweep(now);
        let alike = [
            Alike::One(news.kind, news.about.clone()),
            Alike::Kind(news.kind),
        ];
        for one in &alike {
            if let Some(period) = self.open.get_mut(one)
                && period.is_full(one.most(), now)
            {
                period.held += 1;
                period.last = Some(news);
                return None;
            }
        }
        for one in alike {
            let fresh = Period::new(now, one.length());
            let period = self.open.entry(one).or_insert_with(|| fresh.clone());
            if period.is_forgotten(now) {
                *period = fresh;
            }
            period.told += 1;
        }
        Some(news)
    }

    /// Forgets, now and then, what was told long ago.
    fn sweep(&mut self, now: Instant) {
        if now.duration_since(self.swept) >= PERIOD_OF_ONE {
            self.open.retain(|_, period| !period.is_forgotten(now));
            self.swept = now;
        }
    }

    /// When there may be something to say of what was held back.
    pub fn due(&self) -> Option<Instant> {
        let held = self.open.values().filter(|period| period.held > 0);
        held.map(Period::end).min()
    }

    /// What was held back in the periods that are over. After one in which something was, the next
    /// is twice as long.
    pub fn over(&mut self, now: Instant) -> Vec<News> {
        self.close(|period| period.end() <= now, now)
    }

    /// What was held back and not told yet: there is no more to come.
    pub fn rest(&mut self, now: Instant) -> Vec<News> {
        self.close(|_| true, now)
    }

    fn close(&mut self, ends: impl Fn(&Period) -> bool, now: Instant) -> Vec<News> {
        let mut told = Vec::new();
        for (alike, mut period) in mem::take(&mut self.open) {
            if ends(&period) {
                let Some(last) = period.last.take() else {
                    continue;
                };
                told.push(alike.sum(&period, last));
                period.length = (period.length * 2).min(NEWS_PERIOD_MAX);
                (period.since, period.told, period.held) = (now, 0, 0);
            }
            self.open.insert(alike, period);
        }
        told
    }
}

impl Period {
    fn new(since: Instant, length: Duration) -> Self {
        Self {
            since,
            length,
            told: 0,
            held: 0,
            last: None,
        }
    }

    /// Whether no more of it is told: until what is held back has been, or it is over.
    fn is_full(&self, most: usize, now: Instant) -> bool {
        self.told >= most && !self.is_forgotten(now)
    }

    /// Whether it is over, and there is nothing to say of it.
    fn is_forgotten(&self, now: Instant) -> bool {
        self.held == 0 && self.end() <= now
    }

    fn end(&self) -> Instant {
        self.since + self.length
    }
}

impl Alike {
    /// Lines of a period that are told.
    fn most(&self) -> usize {
        match self {
            Self::Kind(_) => NEWS_ALIKE_MAX,
            Self::One(..) => NEWS_OF_ONE_MAX,
        }
    }

    fn length(&self) -> Duration {
        match self {
            Self::Kind(_) => PERIOD,
            Self::One(..) => PERIOD_OF_ONE,
        }
    }

    /// One line in place of those that were held back.
    fn sum(&self, period: &Period, last: News) -> News {
        let (held, minutes) = (period.held, period.length.as_secs().div_ceil(60));
        let among = match self {
            Self::Kind(_) => format!(", the last about {}", last.about),
            Self::One(..) => ", the last".to_owned(),
        };
        News {
            text: format!(
                "{held} more like this in {minutes} min{among}: {}",
                last.text
            ),
            about: match self {
                Self::Kind(kind) => (*kind).to_owned(),
                Self::One(_, about) => about.clone(),
            },
            ..last
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(kind: &'static str, about: &str) -> News {
        News {
            kind,
            about: about.to_owned(),
            text: format!("{kind}: Endpoint {about}: DescribeEndpoint failed: words"),
            bad: true,
        }
    }

    type Lines = Vec<(u64, String)>;

    /// The lines that are told of what happens every `step`, each with its second.
    fn told(step: Duration, all: impl IntoIterator<Item = News>, quiet: Duration) -> Lines {
        let start = Instant::now();
        let (mut digest, mut now, mut lines) = (Digest::new(start), start, Vec::new());
        let wait = |digest: &mut Digest, until: Instant, lines: &mut Lines| {
            while let Some(due) = digest.due().filter(|due| *due <= until) {
                let over = digest.over(due).into_iter();
                lines.extend(over.map(|news| written(due - start, &news)));
            }
        };
        for news in all {
            wait(&mut digest, now, &mut lines);
            let news = digest.take(news, now);
            lines.extend(news.map(|news| written(now - start, &news)));
            now += step;
        }
        wait(&mut digest, now + quiet, &mut lines);
        assert_eq!(digest.rest(now + quiet), [], "all was told");
        lines
    }

    fn written(at: Duration, news: &News) -> (u64, String) {
        (at.as_secs(), format!("{}: {}", news.about, news.text))
    }

    #[test]
    fn an_outage_of_a_thousand_models_is_one_digest() {
        let models = (0..1000).map(|model| news("unknown", &format!("m{model}/production")));
        let lines = told(Duration::from_millis(20), models, Duration::from_hours(1));
        assert_eq!(lines.len(), NEWS_ALIKE_MAX + 1);
        let (at, digest) = &lines[NEWS_ALIKE_MAX];
        assert_eq!(*at, 60);
        assert_eq!(
            digest,
            &format!(
                "unknown: {} more like this in 1 min, the last about m999/production: unknown: \
                 Endpoint m999/production: DescribeEndpoint failed: words",
                1000 - NEWS_ALIKE_MAX
            )
        );
    }

    #[test]
    fn another_kind_is_told_in_the_middle_of_an_outage() {
        let outage = (0..100).map(|model| news("unknown", &format!("m{model}/production")));
        let other = news("degraded", "m7/staging");
        let lines = told(
            Duration::from_millis(20),
            outage.chain([other]),
            Duration::from_hours(1),
        );
        let (at, line) = &lines[NEWS_ALIKE_MAX];
        assert!(
            line.starts_with("m7/staging: degraded") && *at == 2,
            "{line}"
        );
    }

    #[test]
    fn what_flaps_for_a_day_is_told_less_and_less_often() {
        let kinds = ["degraded", "in sync"].into_iter().cycle();
        let flaps = kinds
            .map(|kind| news(kind, "m/production"))
            .take(2 * 60 * 24);
        let lines = told(Duration::from_secs(30), flaps, NEWS_PERIOD_MAX);
        assert!(lines.len() < 200, "{} lines", lines.len());
        let held = lines
            .iter()
            .filter(|(_, line)| line.contains(" more like this"));
        assert!(held.count() > 10, "what is not told is counted");
    }

    #[test]
    fn a_quiet_period_is_forgotten() {
        let start = Instant::now();
        let mut digest = Digest::new(start);
        for model in 0..NEWS_ALIKE_MAX {
            assert!(
                digest
                    .take(news("held", &model.to_string()), start)
                    .is_some()
            );
        }
        assert_eq!(digest.due(), None);
        assert_eq!(digest.over(start + PERIOD), []);
        assert!(digest.take(news("held", "m"), start + PERIOD).is_some());
    }
}
