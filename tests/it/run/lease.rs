//! Two daemons of two machines, as far as they can tell, on one SageMaker and one origin.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::time::{interval, timeout};
use trueup::aws::{Aws, Options};
use trueup::demo::http::Http;
use trueup::execute::lease::Document;
use trueup::resource::call::{Call, Scope};

use super::daemon::endpoint;
use super::kill::program::Place;
use super::kill::record::Record;
use super::person::Person;
use crate::support::git_server::GitServer;
use crate::support::repository::TempRepository;

/// Until what was waited for has to be there.
const DEADLINE: Duration = Duration::from_mins(2);

/// What can be seen from outside.
struct Outside {
    http: Http,
    aws: Aws,
    record: Record,
}

impl Outside {
    async fn of(url: &str) -> Self {
        Self {
            http: Http::new(url),
            aws: Aws::connect(Options::local(url)).await,
            record: Record::default(),
        }
    }

    /// Looks until there is something to see; nothing is ever made twice meanwhile.
    async fn wait<T>(&mut self, what: &str, mut look: impl AsyncFnMut(&Self) -> Option<T>) -> T {
        let looking = async {
            let mut ticks = interval(Duration::from_millis(100));
            loop {
                ticks.tick().await;
                self.record.read(&self.http).await;
                if let Some(found) = look(self).await {
                    return found;
                }
            }
        };
        let found = timeout(DEADLINE, looking).await;
        found.unwrap_or_else(|_| panic!("waited in vain for {what}"))
    }

    async fn lease(&self) -> Option<Document> {
        let scope = Scope {
            account: trueup::demo::example::ACCOUNT.to_owned(),
            region: "eu-west-1".to_owned(),
        };
        let bucket = format!("sagemaker-{}-{}", scope.region, scope.account);
        let body = json!({"Bucket": bucket, "Key": "trueup/lease/example.json"});
        let found = self.aws.call(&Call::new("GetObject", &scope, body)).await;
        Some(Document::read(found.ok()?["Body"].as_str().unwrap()).unwrap())
    }

    /// The config of staging's endpoint, once it is in service.
    async fn staging(&self) -> Option<String> {
        let name = json!({"EndpointName": endpoint("staging")});
        let found = self.http.sagemaker("DescribeEndpoint", &name).await.ok()?;
        let config = found["EndpointConfigName"].as_str()?;
        (found["EndpointStatus"] == "InService").then(|| config.to_owned())
    }
}

/// A machine of its own: it has no cache in common with another.
fn machine(place: &Place, folder: &Path) -> Place {
    Place {
        folder: folder.to_owned(),
        ..place.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_17_of_two_daemons_one_leads_and_the_other_takes_over_when_it_is_killed() {
    let repository = TempRepository::bare();
    let server = GitServer::closed(repository.root(), "robot", "secret");
    let source = server.url("robot:secret@");
    let person = Person::found(repository.root(), &source);
    let mut place = Place {
        folder: repository.root().to_owned(),
        source,
        ..Place::default()
    };
    let _local = place.local();
    let mut outside = Outside::of(&place.url).await;

    let first = machine(&place, &repository.root().join("one")).daemon();
    let led = outside.wait("a leader", async |outside: &Outside| outside.lease().await);
    let led = led.await;
    assert!(
        led.holder.ends_with(&format!("process {}", first.pid())),
        "{led:?}"
    );
    let second = machine(&place, &repository.root().join("two")).daemon();
    let before = outside.wait("the first model", async |outside: &Outside| {
        outside.staging().await
    });
    let before = before.await;
    outside
        .wait("a pass of the one who waits", async |_: &Outside| {
            second.log.has_passed().then_some(())
        })
        .await;
    let still = outside.lease().await.unwrap();
    assert_eq!(
        (still.session, still.fence),
        (led.session.clone(), led.fence)
    );
    assert_eq!(still.heads.len(), 1, "{:?}", still.heads);

    drop(first);
    let config = "models/mortgage/config.yaml";
    person.change(
        "Serve from bigger machines",
        &[(config, "ml.m5.large", "ml.m5.xlarge")],
    );
    outside
        .wait("the other to serve it", async |outside: &Outside| {
            outside.staging().await.filter(|config| *config != before)
        })
        .await;
    let taken = outside.lease().await.unwrap();
    assert!(
        taken.holder.ends_with(&format!("process {}", second.pid())),
        "{taken:?}"
    );
    assert_eq!(taken.fence, led.fence + 1);
    assert_eq!(second.log.complaints(), [""; 0]);
    second.end().await;
    let left = outside.lease().await.unwrap();
    assert!(left.is_given_back(), "{left:?}");
}
