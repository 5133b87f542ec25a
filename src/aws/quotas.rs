//! How often an account may call: what Service Quotas says of it.
//!
//! SageMaker publishes no table of its limits, but each account's are quotas of the name
//! `Rate of <operation> requests`. They are read once for each account and region, beside the calls that
//! go on; where they cannot be read the figures of [`crate::limits`] hold.

use aws_sdk_servicequotas::Client;
use serde_json::{Value, json};

use super::Aws;
use super::budget::Rates;
use super::verbatim::operations;
use crate::limits::QUOTA_PAGES_MAX;
use crate::resource::call::{Call, Scope};

/// The operation.
pub(super) const LIST: &str = "ListServiceQuotas";

operations! {
    "ListServiceQuotas" => list_service_quotas,
}

/// Reads the rates of an account and region into the budget of `aws`.
pub(super) async fn learn(aws: Aws, scope: Scope) {
    let mut request = json!({"ServiceCode": "sagemaker", "MaxResults": 100});
    for _ in 0..QUOTA_PAGES_MAX {
        let page = match aws.once(&Call::new(LIST, &scope, request.clone())).await {
            Ok(page) => page,
            Err(error) => {
                tracing::debug!(call.scope = %scope, %error, "the account's quotas stay unknown");
                return;
            }
        };
        if let Some(budget) = &aws.budget {
            budget.learn(&scope, rates(&page));
        }
        match &page["NextToken"] {
            Value::Null => return,
            token => request["NextToken"] = token.clone(),
        }
    }
}

/// The rates on a page of quotas.
fn rates(page: &Value) -> Rates {
    let quotas = page["Quotas"].as_array().into_iter().flatten();
    quotas.filter_map(rate).collect()
}

fn rate(quota: &Value) -> Option<(String, f64)> {
    let name = quota["QuotaName"].as_str()?;
    let op = name.strip_prefix("Rate of ")?.strip_suffix(" requests")?;
    let seconds = match quota["Period"]["PeriodUnit"].as_str() {
        Some("MILLISECOND") => 0.001,
        Some("SECOND") | None => 1.0,
        Some("MINUTE") => 60.0,
        Some("HOUR") => 3_600.0,
        Some("DAY") => 86_400.0,
        Some(_) => return None,
    };
    let periods = quota["Period"]["PeriodValue"].as_f64().unwrap_or(1.0);
    let value = quota["Value"].as_f64()?;
    (value > 0.0 && periods > 0.0).then(|| (op.to_owned(), value / (periods * seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rates_are_read_and_in_calls_a_second() {
        let quota = |name: &str, value: f64, period: Value| json!({"QuotaName": name, "Value": value, "Period": period});
        let second = json!({"PeriodValue": 1, "PeriodUnit": "SECOND"});
        let page = json!({"Quotas": [
            quota("Rate of CreateEndpoint requests", 2.0, second.clone()),
            quota("Rate of ListModels requests", 30.0, json!({"PeriodValue": 1, "PeriodUnit": "MINUTE"})),
            quota("Rate of CreateModel requests", 5.0, Value::Null),
            quota("Rate of DeleteModel requests", 0.0, second),
            quota("Rate of Search requests", 1.0, json!({"PeriodValue": 1, "PeriodUnit": "FORTNIGHT"})),
            quota("ml.m5.large for endpoint usage", 4.0, Value::Null),
        ]});
        let expected = [
            ("CreateEndpoint", 2.0),
            ("CreateModel", 5.0),
            ("ListModels", 0.5),
        ];
        let expected = expected.map(|(op, rate)| (op.to_owned(), rate));
        assert_eq!(rates(&page), Rates::from(expected));
        assert_eq!(rates(&json!({})), Rates::new());
    }
}
