internal import TernFindings

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

    /// The stages of `/metrics`.
    func writeStages(to text: inout String) {
        text += "# HELP tern_stage_seconds Time of each stage of the studies that have a result; decode, prepare and infer of those that succeeded.\n"
        text += "# TYPE tern_stage_seconds histogram\n"
        for stage in Stage.allCases {
            let times = metrics.stages[stage.rawValue]
            var count = 0
            for (index, bound) in Histogram.bounds.enumerated() {
                count += times.counts[index]
                text += "tern_stage_seconds_bucket{stage=\"\(stage.name)\",le=\"\(bound.seconds)\"} \(count)\n"
            }
            text += "tern_stage_seconds_bucket{stage=\"\(stage.name)\",le=\"+Inf\"} \(times.count)\n"
            text += "tern_stage_seconds_sum{stage=\"\(stage.name)\"} \((Double(times.sumMicroseconds) / 1e6).description)\n"
            text += "tern_stage_seconds_count{stage=\"\(stage.name)\"} \(times.count)\n"
        }
    }

    /// The drift of `/metrics`: a family whose value is not known is left out.
    func writeDrift(to text: inout String) {
        let drift = metrics.drift
        func gauge(_ name: String, _ help: String) { text += "# HELP \(name) \(help)\n# TYPE \(name) gauge\n" }
        if let share = drift.flaggedShare {
            gauge("tern_out_of_distribution_ratio", "Share of the last images that the gate flags.")
            text += "tern_out_of_distribution_ratio \(share.description)\n"
        }
        if let rate = drift.reference.falseAlarmRate {
            gauge("tern_out_of_distribution_reference_ratio", "Share of ordinary images that the gate flags, by the model file.")
            text += "tern_out_of_distribution_reference_ratio \(rate.description)\n"
        }
        guard !drift.reference.labels.isEmpty else { return }
        let readings = drift.reference.labels.indices.map(drift.reading)
        let names = drift.reference.labels.map { Self.quoted($0.name) }
        gauge("tern_score_images", "Images looked back on.")
        for (name, one) in zip(names, readings) { text += "tern_score_images{label=\(name)} \(one.count)\n" }
        gauge("tern_score_psi", "Population stability index of the scores of the last images against the model file's.")
        for (name, one) in zip(names, readings) {
            if let psi = one.psi { text += "tern_score_psi{label=\(name)} \(psi.description)\n" }
        }
    }

    /// A label's value, Prometheus text format: the reverse solidus and the quotation mark are escaped. A model file has no line ends in its names.
    private static func quoted(_ name: String) -> String {
        var bytes: [UInt8] = [0x22]
        for byte in name.utf8 {
            if byte == 0x22 || byte == 0x5C { bytes.append(0x5C) }
            bytes.append(byte)
        }
        return String(decoding: bytes + [0x22], as: UTF8.self)
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
