//! Which values of hyperparameters a tuning job tries.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::request::{items, text};

/// Training jobs of a tuning job that does not say how many.
const JOBS: usize = 1;

/// The ranges of a tuning job's parameters, and how many it tries.
#[derive(Debug)]
pub(super) struct Space<'a> {
    axes: Vec<(&'a str, Axis<'a>)>,
    /// Every combination once, in place of chance.
    grid: bool,
    seed: String,
    /// Training jobs at a time.
    pub(super) parallel: usize,
    /// Training jobs altogether.
    pub(super) total: usize,
}

#[derive(Debug)]
enum Axis<'a> {
    Integer(f64, f64, Scale),
    Continuous(f64, f64, Scale),
    Categorical(Vec<&'a str>),
}

/// How a range is stretched before a value is drawn from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    Logarithmic,
    ReverseLogarithmic,
}

impl<'a> Space<'a> {
    /// The space of a `HyperParameterTuningJobConfig`, or why it is none.
    pub(super) fn of(config: &'a Value) -> Result<Self, String> {
        let ranges = &config["ParameterRanges"];
        let mut axes = Vec::new();
        for range in items(ranges, "IntegerParameterRanges") {
            let (low, high, scale) = bounds(range)?;
            axes.push((text(range, "Name"), Axis::Integer(low, high, scale)));
        }
        for range in items(ranges, "ContinuousParameterRanges") {
            let (low, high, scale) = bounds(range)?;
            axes.push((text(range, "Name"), Axis::Continuous(low, high, scale)));
        }
        for range in items(ranges, "CategoricalParameterRanges") {
            let values = items(range, "Values").iter().filter_map(Value::as_str);
            let values: Vec<_> = values.collect();
            if values.is_empty() {
                return Err(format!("{} has no values.", text(range, "Name")));
            }
            axes.push((text(range, "Name"), Axis::Categorical(values)));
        }
        let grid = text(config, "Strategy") == "Grid";
        let limits = &config["ResourceLimits"];
        let limit = |name: &str| {
            let number = limits[name].as_u64();
            number.and_then(|number| usize::try_from(number).ok())
        };
        let wanted = limit("MaxNumberOfTrainingJobs");
        let total = if grid {
            let all = combinations(&axes)?;
            if wanted.is_some_and(|wanted| wanted != all) {
                return Err(format!(
                    "MaxNumberOfTrainingJobs must be {all}, the number of all combinations, or \
                     left out with the Grid strategy."
                ));
            }
            all
        } else {
            wanted.unwrap_or(JOBS)
        };
        Ok(Self {
            axes,
            grid,
            seed: config["RandomSeed"].to_string(),
            parallel: limit("MaxParallelTrainingJobs").unwrap_or(1),
            total,
        })
    }

    /// The values of the training job at a place, counted from 0.
    pub(super) fn values(&self, seed: &str, at: usize) -> Map<String, Value> {
        let mut left = at;
        let mut values = Map::new();
        for (name, axis) in &self.axes {
            let value = match axis {
                Axis::Categorical(all) if self.grid => {
                    let value = all[left % all.len()];
                    left /= all.len();
                    value.to_owned()
                }
                _ => {
                    let part = chance(&format!("{}/{seed}/{at}/{name}", self.seed));
                    axis.value(part)
                }
            };
            values.insert((*name).to_owned(), json!(value));
        }
        values
    }
}

impl Axis<'_> {
    /// The value at a part of the axis, from 0 up to but not 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a part of a small count"
    )]
    fn value(&self, part: f64) -> String {
        match self {
            Self::Categorical(all) => all[(part * all.len() as f64) as usize].to_owned(),
            Self::Continuous(low, high, scale) => scale.at(*low, *high, part).to_string(),
            Self::Integer(low, high, scale) => {
                let value = scale.at(*low, *high + 1.0, part).floor();
                value.clamp(*low, *high).to_string()
            }
        }
    }
}

impl Scale {
    fn at(self, low: f64, high: f64, part: f64) -> f64 {
        let between = |low: f64, high: f64| low + (high - low) * part;
        match self {
            Self::Linear => between(low, high),
            Self::Logarithmic => between(low.ln(), high.ln()).exp(),
            Self::ReverseLogarithmic => 1.0 - between((1.0 - low).ln(), (1.0 - high).ln()).exp(),
        }
    }
}

fn bounds(range: &Value) -> Result<(f64, f64, Scale), String> {
    let name = text(range, "Name");
    let bound = |member: &str| -> Result<f64, String> {
        let given = text(range, member);
        let number = given.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| format!("{member} of {name} is no number: {given:?}."))
    };
    let (low, high) = (bound("MinValue")?, bound("MaxValue")?);
    let scale = match text(range, "ScalingType") {
        "Logarithmic" => Scale::Logarithmic,
        "ReverseLogarithmic" => Scale::ReverseLogarithmic,
        _ => Scale::Linear,
    };
    let within = match scale {
        Scale::Linear => true,
        Scale::Logarithmic => low > 0.0,
        Scale::ReverseLogarithmic => low >= 0.0 && high < 1.0,
    };
    if low > high || !within {
        return Err(format!(
            "The range of {name} from {low} to {high} does not fit its scaling."
        ));
    }
    Ok((low, high, scale))
}

fn combinations(axes: &[(&str, Axis<'_>)]) -> Result<usize, String> {
    let counts = axes.iter().map(|(name, axis)| match axis {
        Axis::Categorical(values) => Ok(values.len()),
        _ => Err(format!(
            "The Grid strategy takes categorical parameters only, and {name} is none."
        )),
    });
    let counts: Vec<usize> = counts.collect::<Result<_, _>>()?;
    Ok(counts.into_iter().fold(1, usize::saturating_mul))
}

/// A number from 0 up to but not 1 that a text always has.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn chance(text: &str) -> f64 {
    let digest = Sha256::digest(text.as_bytes());
    let (bytes, _) = digest.split_first_chunk::<8>().expect("it has 32 bytes");
    (u64::from_be_bytes(*bytes) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Bits that are in the order of numbers.
pub(super) fn order_of(number: f64) -> u64 {
    let bits = number.to_bits();
    if number.is_sign_negative() {
        !bits
    } else {
        bits | 1 << 63
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(strategy: &str, ranges: Value) -> Value {
        json!({
            "Strategy": strategy,
            "ParameterRanges": ranges,
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 200, "MaxParallelTrainingJobs": 2},
        })
    }

    fn range(name: &str, low: &str, high: &str, scale: &str) -> Value {
        json!({"Name": name, "MinValue": low, "MaxValue": high, "ScalingType": scale})
    }

    #[test]
    fn values_stay_within_their_ranges_and_fill_them() {
        let config = config(
            "Random",
            json!({
                "IntegerParameterRanges": [range("depth", "2", "5", "Linear")],
                "ContinuousParameterRanges": [
                    range("rate", "0.0001", "1", "Logarithmic"),
                    range("decay", "0", "0.999", "ReverseLogarithmic"),
                ],
                "CategoricalParameterRanges": [{"Name": "loss", "Values": ["a", "b"]}],
            }),
        );
        let space = Space::of(&config).unwrap();
        let all: Vec<_> = (0..space.total).map(|at| space.values("s", at)).collect();
        let numbers = |name: &str| -> Vec<f64> {
            let texts = all.iter().map(|values| values[name].as_str().unwrap());
            texts.map(|text| text.parse().unwrap()).collect()
        };
        let share = |name: &str, holds: &dyn Fn(f64) -> bool| {
            numbers(name).into_iter().filter(|one| holds(*one)).count()
        };
        for depth in 2..=5 {
            let count = share("depth", &|one| (one - f64::from(depth)).abs() < 0.1);
            assert!((30..=70).contains(&count), "{count} of depth {depth}");
        }
        assert_eq!(share("rate", &|one| (0.0001..=1.0).contains(&one)), 200);
        let small = share("rate", &|one| one < 0.01);
        assert!(
            (70..=130).contains(&small),
            "half of them below the middle: {small}"
        );
        let large = share("decay", &|one| one > 0.9);
        assert!((100..=165).contains(&large), "{large} of 200");
        assert_eq!(space.values("s", 7), space.values("s", 7));
        assert_ne!(space.values("s", 7), space.values("s", 8));
    }

    #[test]
    fn a_grid_has_every_combination_once() {
        let ranges = json!({"CategoricalParameterRanges": [
            {"Name": "a", "Values": ["1", "2", "3"]}, {"Name": "b", "Values": ["x", "y"]}]});
        let mut config = config("Grid", ranges);
        assert!(Space::of(&config).unwrap_err().contains("must be 6"));
        config["ResourceLimits"]["MaxNumberOfTrainingJobs"].take();
        let space = Space::of(&config).unwrap();
        let mut all: Vec<_> = (0..space.total)
            .map(|at| json!(space.values("s", at)).to_string())
            .collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        let check = |range: Value, words: &str| {
            let config = config("Random", json!({"ContinuousParameterRanges": [range]}));
            let refused = Space::of(&config).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        };
        check(range("r", "x", "1", "Linear"), "no number");
        check(range("r", "2", "1", "Linear"), "does not fit");
        check(range("r", "0", "1", "Logarithmic"), "does not fit");
        check(range("r", "0", "1", "ReverseLogarithmic"), "does not fit");
        let grid = json!({"IntegerParameterRanges": [range("n", "1", "2", "Linear")]});
        let config = config("Grid", grid);
        assert!(Space::of(&config).unwrap_err().contains("categorical"));
    }

    #[test]
    fn bits_are_in_the_order_of_numbers() {
        let numbers = [f64::NEG_INFINITY, -3.5, -0.1, 0.0, 1e-9, 2.0, f64::INFINITY];
        assert!(numbers.map(order_of).is_sorted());
    }
}
