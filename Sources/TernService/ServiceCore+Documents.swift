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
        text.member("run", events.run)
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
