internal import TernAudit
internal import TernFindings
internal import TernPlatform

extension ServiceCore {
    /// `GET /v1/status`.
    func status(_ around: Surroundings) -> [UInt8] {
        var text = JSONText()
        text.beginObject()
        text.member("state", isStopping ? "stopping" : "ready")
        text.member("version", identity.version)
        text.member("uptime_s", Int(clamping: (around.now - startedAt) / 1_000_000_000))
        text.key("model")
        text.beginObject()
        text.members(of: identity.model)
        text.endObject()
        text.key("engine")
        text.beginObject()
        text.member("isa", identity.instructionSet)
        text.member("threads", identity.threadCount)
        text.member("arena_bytes", identity.arenaByteCount)
        text.member("golden_vectors", identity.goldenVectorCount)
        text.endObject()
        text.key("models")
        text.beginObject()
        text.member("replaced", counters.replacedModels)
        text.member("refused", counters.refusedModels)
        text.key("marked_good")
        if let isMarkedGood = identity.isMarkedGood { text.value(isMarkedGood) } else { text.null() }
        text.member("rolled_back", identity.isRolledBack)
        text.endObject()
        text.key("queue")
        text.beginObject()
        text.member("pending", pending.count)
        text.member("waiting", around.waitingCount)
        text.member("capacity", limits.queueCount)
        text.member("pending_bytes", pendingByteCount)
        text.member("recovered", recoveredCount)
        text.member("damaged", counters.damaged)
        text.member("cut_bytes_at_start", queueCutByteCount)
        text.endObject()
        text.key("audit")
        text.beginObject()
        text.member("records", around.auditHead.number)
        text.member("hash", String(decoding: around.auditHead.hash, as: UTF8.self))
        text.member("reviews", reviewRing.lastNumber)
        text.endObject()
        writeResults(to: &text, isRecording: isRecording && !around.isBlocked)
        writeDrift(to: &text)
        text.key("disk")
        text.beginObject()
        text.member("full", disk.isFull)
        text.key("free_bytes")
        if let free = around.freeByteCount { text.value(free) } else { text.null() }
        text.endObject()
        writeLive(around.live, to: &text)
        text.key("clients")
        text.beginObject()
        text.member("connections", around.connectionCount)
        text.member("streams", around.streamCount)
        text.member("slow_senders", around.slowSenderCount)
        text.member("slow_readers", around.slowReaderCount)
        text.member("lagging_streams", counters.laggingStreams)
        text.endObject()
        text.key("events")
        text.beginArray()
        for event in events.newest(Self.shownEventCount) { text.value(json: event) }
        text.endArray()
        around.watched?.write(to: &text)
        text.key("sandbox")
        text.value(sandbox)
        text.endObject()
        return text.utf8
    }

    /// Events that the status shows.
    private static let shownEventCount = 8

    private func writeResults(to text: inout JSONText, isRecording: Bool) {
        text.key("results")
        text.beginObject()
        text.key("oldest_kept")
        if let oldest = ring.oldest { text.value(oldest) } else { text.null() }
        text.member("last_sequence", lastSequence)
        text.member("kept", ring.count)
        text.member("succeeded", counters.succeeded)
        text.member("failed", counters.failed)
        text.member("not_attempted", counters.notAttempted)
        text.member("unrecorded", counters.unrecorded)
        text.member("recording", isRecording)
        text.member("file_bytes", journalByteCount)
        let extent = index.extent
        text.key("oldest_on_disk")
        if let oldest = index.oldest { text.value(oldest) } else { text.null() }
        text.member("files", extent.count)
        text.member("disk_bytes", extent.byteCount)
        text.member("read_through", read.through)
        text.member("cut_bytes_at_start", cutByteCount)
        text.endObject()
    }

    /// `GET /metrics`, Prometheus text format 0.0.4.
    func metrics(_ around: Surroundings) -> [UInt8] {
        var text = ""
        func family(_ name: String, _ kind: String, _ help: String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
        }
        func single(_ name: String, _ kind: String, _ help: String, _ value: Int) {
            family(name, kind, help)
            text += "\(name) \(value)\n"
        }
        family("tern_model_info", "gauge", "The model in use.")
        text += "tern_model_info{digest=\"\(identity.model.digest)\",isa=\"\(identity.instructionSet)\"} 1\n"
        single("tern_models_replaced_total", "counter", "Models that took over while the service ran.", counters.replacedModels)
        single("tern_models_refused_total", "counter", "Models that were to take over and were refused.", counters.refusedModels)
        single("tern_model_rolled_back", "gauge", "1 while the model that is marked good stands for one that failed.", identity.isRolledBack ? 1 : 0)
        single("tern_uptime_seconds", "gauge", "Time since the service started.", Int(clamping: (around.now - startedAt) / 1_000_000_000))
        single("tern_studies_accepted_total", "counter", "Studies taken into the queue.", counters.accepted)
        family("tern_results_total", "counter", "Recorded results.")
        text += "tern_results_total{status=\"succeeded\"} \(counters.succeeded)\n"
        text += "tern_results_total{status=\"failed\"} \(counters.failed)\n"
        text += "tern_results_total{status=\"not_attempted\"} \(counters.notAttempted)\n"
        single("tern_out_of_distribution_total", "counter", "Results whose image the gate flags.", counters.outOfDistribution)
        single("tern_results_unrecorded_total", "counter", "Results that could not be written to disk.", counters.unrecorded)
        family("tern_requests_refused_total", "counter", "Requests refused, by HTTP status and code.")
        for entry in counters.refused.entries { text += "tern_requests_refused_total{\(entry.labels)} \(entry.count)\n" }
        family("tern_results_refused_total", "counter", "Results without an answer of the model, by coded reason.")
        for entry in counters.reasons.entries { text += "tern_results_refused_total{\(entry.labels)} \(entry.count)\n" }
        writeStages(to: &text)
        writeDrift(to: &text)
        single("tern_queue_waiting", "gauge", "Studies that wait.", around.waitingCount)
        single("tern_queue_capacity", "gauge", "Studies that may wait.", limits.queueCount)
        single("tern_queue_pending", "gauge", "Accepted studies without a result yet.", pending.count)
        single("tern_queue_damaged_total", "counter", "Accepted studies that could not be read back from the disk.", counters.damaged)
        single("tern_last_sequence", "gauge", "Sequence number of the newest result.", lastSequence)
        single("tern_connections", "gauge", "Open connections.", around.connectionCount)
        single("tern_streams", "gauge", "Clients that read or follow the findings.", around.streamCount)
        if let watched = around.watched {
            single("tern_watch_waiting", "gauge", "Files of the watched folder known to wait.", watched.plan.waitingCount + watched.plan.unsettledCount)
            family("tern_watch_files_total", "counter", "Files of the watched folder that ended.")
            text += "tern_watch_files_total{end=\"done\"} \(watched.plan.counts.done)\n"
            text += "tern_watch_files_total{end=\"failed\"} \(watched.plan.counts.failed)\n"
        }
        family("tern_clients_dropped_total", "counter", "Clients given up on.")
        text += "tern_clients_dropped_total{why=\"slow_sender\"} \(around.slowSenderCount)\n"
        text += "tern_clients_dropped_total{why=\"slow_reader\"} \(around.slowReaderCount)\n"
        single("tern_system_calls_refused_total", "counter", "System calls that the sandbox refused.", Sandbox.refusedCallCount)
        text += liveMetrics(around.live)
        return Array(text.utf8)
    }
}

extension JSONText {
    fileprivate mutating func value(_ sandbox: Sandbox) {
        beginObject()
        member("seccomp", sandbox.word(sandbox.filtersCalls))
        key("landlock")
        beginObject()
        member("state", sandbox.word(sandbox.landlockVersion != nil))
        key("abi")
        if let version = sandbox.landlockVersion { value(version) } else { null() }
        endObject()
        member("no_new_privileges", sandbox.word(sandbox.refusesNewPrivileges))
        member("write_execute", sandbox.word(sandbox.refusesWriteExecute))
        member("refused_calls", Sandbox.refusedCallCount)
        key("last_refused_call")
        if let call = Sandbox.lastRefusedCall { value(call) } else { null() }
        endObject()
    }
}
