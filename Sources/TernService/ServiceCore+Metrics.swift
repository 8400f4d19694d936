internal import TernFindings
internal import TernPlatform

extension ServiceCore {
    /// Takes in a recorded result. What is answered from an earlier one is neither new work nor a new image.
    mutating func measure(_ result: FindingResult) {
        guard result.status == .succeeded || result.status == .partiallySucceeded, result.answeredFrom == nil else { return }
        metrics.observe(result.timing)
        for label in metrics.drift.observe(result) {
            let reading = metrics.drift.reading(label)
            let numbers = [("label", label), ("psi_thousandths", Int((reading.psi ?? 0) * 1000)), ("images", reading.count)]
            events.note("drift_major", numbers.map { Problem.Number(name: $0, value: $1) }, level: .warning)
        }
    }

    /// `GET /metrics`.
    func metrics(_ around: Surroundings) -> [UInt8] {
        var text = MetricsText()
        writeModel(to: &text, now: around.now)
        writeOutcomes(to: &text)
        writeStages(to: &text)
        writeDrift(to: &text)
        text.single("tern_queue_waiting", "gauge", "Studies that wait.", around.waitingCount)
        text.single("tern_queue_capacity", "gauge", "Studies that may wait.", limits.queueCount)
        text.single("tern_queue_pending", "gauge", "Accepted studies without a result yet.", pending.count)
        text.single("tern_queue_damaged_total", "counter", "Accepted studies that could not be read back from the disk.", counters.damaged)
        text.single("tern_last_sequence", "gauge", "Sequence number of the newest result.", lastSequence)
        text.single("tern_connections", "gauge", "Open connections.", around.connectionCount)
        text.single("tern_streams", "gauge", "Clients that read or follow the findings.", around.streamCount)
        if let watched = around.watched {
            text.single("tern_watch_waiting", "gauge", "Files of the watched folder known to wait.", watched.plan.waitingCount + watched.plan.unsettledCount)
            text.family("tern_watch_files_total", "counter", "Files of the watched folder that ended.")
            text.sample(watched.plan.counts.done, labels: MetricsText.label("end", "done"))
            text.sample(watched.plan.counts.failed, labels: MetricsText.label("end", "failed"))
        }
        text.family("tern_clients_dropped_total", "counter", "Clients given up on.")
        text.sample(around.slowSenderCount, labels: MetricsText.label("why", "slow_sender"))
        text.sample(around.slowReaderCount, labels: MetricsText.label("why", "slow_reader"))
        text.single("tern_system_calls_refused_total", "counter", "System calls that the sandbox refused.", Sandbox.refusedCallCount)
        write(around.live, to: &text)
        return text.utf8
    }

    private func writeModel(to text: inout MetricsText, now: UInt64) {
        text.family("tern_model_info", "gauge", "The model in use.")
        text.sample(1, labels: MetricsText.label("digest", identity.model.digest) + "," + MetricsText.label("isa", identity.instructionSet))
        text.single("tern_models_replaced_total", "counter", "Models that took over while the service ran.", counters.replacedModels)
        text.single("tern_models_refused_total", "counter", "Models that were to take over and were refused.", counters.refusedModels)
        text.single("tern_model_rolled_back", "gauge", "1 while the model that is marked good stands for one that failed.", identity.isRolledBack ? 1 : 0)
        text.single("tern_uptime_seconds", "gauge", "Time since the service started.", Int(clamping: (now - startedAt) / 1_000_000_000))
    }

    private func writeOutcomes(to text: inout MetricsText) {
        text.single("tern_studies_accepted_total", "counter", "Studies taken into the queue.", counters.accepted)
        text.family("tern_results_total", "counter", "Recorded results.")
        text.sample(counters.succeeded, labels: MetricsText.label("status", "succeeded"))
        text.sample(counters.failed, labels: MetricsText.label("status", "failed"))
        text.sample(counters.notAttempted, labels: MetricsText.label("status", "not_attempted"))
        text.single("tern_out_of_distribution_total", "counter", "Results whose image the gate flags.", counters.outOfDistribution)
        text.single("tern_results_unrecorded_total", "counter", "Results that could not be written to disk.", counters.unrecorded)
        text.family("tern_requests_refused_total", "counter", "Requests refused, by HTTP status and code.")
        for entry in counters.refused.entries { text.sample(entry.count, labels: entry.labels) }
        text.family("tern_results_refused_total", "counter", "Results without an answer of the model, by coded reason.")
        for entry in counters.reasons.entries { text.sample(entry.count, labels: entry.labels) }
    }

    private func writeStages(to text: inout MetricsText) {
        text.family("tern_stage_seconds", "histogram", "Time of each stage of the studies that have a result; decode, prepare and infer of those that succeeded.")
        for stage in Stage.allCases {
            let times = metrics.stages[stage.rawValue]
            let label = MetricsText.label("stage", stage.name)
            var count = 0
            for (index, bound) in Histogram.bounds.enumerated() {
                count += times.counts[index]
                text.sample(count, labels: label + "," + MetricsText.label("le", bound.seconds), suffix: "_bucket")
            }
            text.sample(times.count, labels: label + "," + MetricsText.label("le", "+Inf"), suffix: "_bucket")
            text.sample((Double(times.sumMicroseconds) / 1e6).description, labels: label, suffix: "_sum")
            text.sample(times.count, labels: label, suffix: "_count")
        }
    }

    /// A family whose value is not known is left out.
    private func writeDrift(to text: inout MetricsText) {
        let drift = metrics.drift
        if let share = drift.flaggedShare {
            text.family("tern_out_of_distribution_ratio", "gauge", "Share of the last images that the gate flags.")
            text.sample(share.description)
        }
        if let rate = drift.reference.falseAlarmRate {
            text.family("tern_out_of_distribution_reference_ratio", "gauge", "Share of ordinary images that the gate flags, by the model file.")
            text.sample(rate.description)
        }
        guard !drift.reference.labels.isEmpty else { return }
        text.family("tern_score_images", "gauge", "Images looked back on.")
        for (index, label) in drift.reference.labels.enumerated() {
            text.sample(drift.reading(index).count, labels: MetricsText.label("label", label.name))
        }
        text.family("tern_score_psi", "gauge", "Population stability index of the scores of the last images against the model file's.")
        for (index, label) in drift.reference.labels.enumerated() {
            if let psi = drift.reading(index).psi { text.sample(psi.description, labels: MetricsText.label("label", label.name)) }
        }
    }

    /// The member `drift` of `/v1/status`.
    func writeDrift(to text: inout JSONText) {
        let drift = metrics.drift
        text.key("drift")
        text.beginObject()
        text.member("window", ScoreDrift.windowCount)
        text.member("least", ScoreDrift.leastCount)
        text.key("reference")
        if drift.reference.labels.isEmpty {
            text.null()
        } else {
            text.beginObject()
            text.member("measuredOn", drift.reference.measuredOn)
            text.member("cases", drift.reference.cases)
            text.endObject()
        }
        text.key("labels")
        text.beginArray()
        for (index, label) in drift.reference.labels.enumerated() {
            let reading = drift.reading(index)
            text.beginObject()
            text.member("label", label.name)
            text.key("psi")
            if let psi = reading.psi { text.value(psi) } else { text.null() }
            text.member("count", reading.count)
            text.member("state", reading.state.rawValue)
            text.endObject()
        }
        text.endArray()
        text.key("outOfDistribution")
        if let share = drift.flaggedShare {
            text.beginObject()
            text.member("share", share)
            text.member("count", drift.flags.count)
            text.key("reference")
            if let rate = drift.reference.falseAlarmRate { text.value(rate) } else { text.null() }
            text.endObject()
        } else {
            text.null()
        }
        text.endObject()
    }
}
