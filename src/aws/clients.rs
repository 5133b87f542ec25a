//! The SDK's clients, by account and region.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::sync::OnceCell;

use super::accounts::{Roles, configure, verify};
use crate::limits;
use crate::resource::call::{Call, OpError, Scope};

/// Attempts at a call that only reads.
const READ_ATTEMPTS: u32 = 3;

/// Clients for every account and region that was asked for.
#[derive(Debug)]
pub(super) struct Clients {
    config: SdkConfig,
    roles: Roles,
    /// Whether the service is asked whose the credentials are.
    verified: bool,
    deadline: Duration,
    regions: Mutex<BTreeMap<Scope, Arc<OnceCell<Region>>>>,
}

/// The clients of one region.
#[derive(Debug)]
pub(super) struct Region {
    reading: Services,
    changing: Services,
}

/// One kind of retries, every service. They share connections and credentials.
#[derive(Debug)]
struct Services {
    sagemaker: aws_sdk_sagemaker::Client,
    s3: aws_sdk_s3::Client,
    scaling: aws_sdk_applicationautoscaling::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    sns: aws_sdk_sns::Client,
    quotas: aws_sdk_servicequotas::Client,
}

impl Clients {
    pub(super) fn new(config: SdkConfig, verified: bool, deadline: Duration) -> Self {
        Self {
            config,
            roles: Roles::default(),
            verified,
            deadline,
            regions: Mutex::default(),
        }
    }

    /// The same, with other roles; `None` where the roles are these, or nobody stands behind them.
    pub(super) fn with_roles(&self, roles: &Roles) -> Option<Self> {
        (self.verified && *roles != self.roles).then(|| Self {
            config: self.config.clone(),
            roles: roles.clone(),
            verified: self.verified,
            deadline: self.deadline,
            regions: Mutex::default(),
        })
    }

    /// The clients for a call, made when its account and region are first asked for.
    pub(super) async fn region(&self, call: &Call) -> Result<Arc<OnceCell<Region>>, OpError> {
        let cell = {
            let mut regions = self.regions.lock().expect("no holder of this lock panics");
            Arc::clone(regions.entry(call.scope.clone()).or_default())
        };
        let make = || async {
            let config = configure(&self.roles, &self.config, &call.scope).await;
            if self.verified {
                verify(&config, call).await?;
            }
            Ok(Region::new(&config, self.deadline))
        };
        cell.get_or_try_init(make).await?;
        Ok(cell)
    }
}

impl Region {
    fn new(config: &SdkConfig, deadline: Duration) -> Self {
        let attempt = deadline / READ_ATTEMPTS;
        // Well before the deadline, because then it is known that nothing was sent.
        let connecting =
            TimeoutConfig::builder().connect_timeout(attempt.min(limits::CONNECT_DEADLINE));
        let reading = connecting.clone().operation_attempt_timeout(attempt);
        let retries = RetryConfig::standard().with_max_attempts(READ_ATTEMPTS);
        Self {
            reading: Services::new(config, retries, reading.build()),
            changing: Services::new(config, RetryConfig::disabled(), connecting.build()),
        }
    }

    pub(super) fn sagemaker(&self, call: &Call) -> &aws_sdk_sagemaker::Client {
        &self.services(call).sagemaker
    }

    pub(super) fn s3(&self, call: &Call) -> &aws_sdk_s3::Client {
        &self.services(call).s3
    }

    pub(super) fn scaling(&self, call: &Call) -> &aws_sdk_applicationautoscaling::Client {
        &self.services(call).scaling
    }

    pub(super) fn cloudwatch(&self, call: &Call) -> &aws_sdk_cloudwatch::Client {
        &self.services(call).cloudwatch
    }

    pub(super) fn sns(&self, call: &Call) -> &aws_sdk_sns::Client {
        &self.services(call).sns
    }

    pub(super) fn quotas(&self, call: &Call) -> &aws_sdk_servicequotas::Client {
        &self.services(call).quotas
    }

    fn services(&self, call: &Call) -> &Services {
        if call.mutates() {
            &self.changing
        } else {
            &self.reading
        }
    }
}

impl Services {
    fn new(config: &SdkConfig, retries: RetryConfig, timeouts: TimeoutConfig) -> Self {
        let sagemaker = aws_sdk_sagemaker::config::Builder::from(config)
            .retry_config(retries.clone())
            .timeout_config(timeouts.clone());
        let scaling = aws_sdk_applicationautoscaling::config::Builder::from(config)
            .retry_config(retries.clone())
            .timeout_config(timeouts.clone());
        let cloudwatch = aws_sdk_cloudwatch::config::Builder::from(config)
            .retry_config(retries.clone())
            .timeout_config(timeouts.clone());
        let sns = aws_sdk_sns::config::Builder::from(config)
            .retry_config(retries.clone())
            .timeout_config(timeouts.clone());
        let quotas = aws_sdk_servicequotas::config::Builder::from(config)
            .retry_config(retries.clone())
            .timeout_config(timeouts.clone());
        // An address of our own has no bucket names in its host.
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .retry_config(retries)
            .timeout_config(timeouts)
            .force_path_style(config.endpoint_url().is_some());
        Self {
            sagemaker: aws_sdk_sagemaker::Client::from_conf(sagemaker.build()),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            scaling: aws_sdk_applicationautoscaling::Client::from_conf(scaling.build()),
            cloudwatch: aws_sdk_cloudwatch::Client::from_conf(cloudwatch.build()),
            sns: aws_sdk_sns::Client::from_conf(sns.build()),
            quotas: aws_sdk_servicequotas::Client::from_conf(quotas.build()),
        }
    }
}
