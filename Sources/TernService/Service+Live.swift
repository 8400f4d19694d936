internal import TernFindings
internal import TernPlatform

// Live frames: of each source the newest waits, and the worker looks at one before each study, between two frames of a study, and when it has no study.
extension Service {
    /// Starts what frames and deadlines need of the loop.
    func startLive() throws(PlatformError) {
        try server.addAlarm { [self] in alarmRang() }
        guard let socket = live.socket else { return }
        try server.watch(listener: socket) { [self] in acceptConnections(socket) }
    }

    /// Looks at one frame, if one waits. On the worker's thread alone: the analyser may call it between two frames of a study.
    public func takeFrameTurn() {
        // Each frame of a study is progress.
        Worker.step()
        guard let ticket = live.desk.take(now: Clock.monotonicNanoseconds) else { return }
        let analysis = reading.current.analyseFrame(ticket.frame)
        live.desk.hand(in: FrameDesk.Answer(number: ticket.number, supersededCount: ticket.supersededCount, analysis: analysis))
        server.wake()
    }

    /// Answers frames that were looked at.
    func collectFrames() {
        live.closer?.collect()
        if live.isPaused, live.closerHasRoom { resume() }
        for answer in live.desk.collect() {
            // Nil: too late, or the sender is gone; counted as that.
            guard let client = live.clients.removeValue(forKey: answer.number) else { continue }
            live.forgetDue(.frame(number: answer.number))
            live.counters.analysed += 1
            reply(to: client, core.answer(to: answer))
        }
        queueTurn()
    }

    /// Puts a frame on the desk.
    func take(_ frame: LiveFrame, from source: FrameSource, deadlineMilliseconds: Int?, for client: LiveState.Client) {
        live.lastNumber += 1
        let number = live.lastNumber
        let dueAt = deadlineMilliseconds.map { Self.time(inMilliseconds: $0) }
        let placing = live.desk.put(FrameDesk.Ticket(number: number, source: source, frame: frame, dueAt: dueAt))
        if placing == .full { return refuse(client, .framesFull) }
        live.counters.received += 1
        live.clients[number] = client
        if let dueAt { setDeadline(.frame(number: number), at: dueAt) }
        queueTurn()
        // Last: over this answer the connection may be given up, and its newest frame with it.
        guard case .replaced(let older) = placing else { return }
        live.forgetDue(.frame(number: older))
        guard let sender = live.clients.removeValue(forKey: older) else { return }
        live.counters.superseded += 1
        reply(to: sender, Problem.superseded.reply())
    }

    private func queueTurn() {
        guard !live.isTurnQueued, live.desk.waitingCount > 0 else { return }
        live.turnWaits.raise()
        live.isTurnQueued = worker.submit(
            run: { [self] in
                live.turnWaits.lower()
                takeFrameTurn()
            },
            finish: { [self] in
                live.isTurnQueued = false
                queueTurn()
            })
        if !live.isTurnQueued { live.turnWaits.lower() }
    }

    /// No frame waits any more when the service stops.
    func stopLive() {
        if let socket = live.socket { server.unwatch(listener: socket) }
        for number in live.desk.removeAll() {
            guard let client = live.clients.removeValue(forKey: number) else { continue }
            live.counters.abandoned += 1
            reply(to: client, Problem.stopping.reply())
        }
    }

    /// A sender is gone.
    func forgetFrames(where isGone: (LiveState.Client) -> Bool) {
        for (number, client) in live.clients where isGone(client) {
            live.clients[number] = nil
            live.desk.remove(number)
            live.forgetDue(.frame(number: number))
            live.counters.abandoned += 1
        }
    }

    var liveSnapshot: LiveSnapshot {
        LiveSnapshot(counters: live.counters, waitingCount: live.desk.waitingCount, connectionCount: live.connections.count)
    }

    // MARK: Deadlines

    static func time(inMilliseconds milliseconds: Int) -> UInt64 { Clock.monotonicNanoseconds + UInt64(milliseconds) * 1_000_000 }

    func setDeadline(_ what: LiveState.Due, at time: UInt64) {
        live.add(what, at: time)
        setAlarm()
    }

    private func setAlarm() {
        if let milliseconds = live.millisecondsToNext(now: Clock.monotonicNanoseconds) { server.setAlarm(milliseconds: milliseconds) }
    }

    private func alarmRang() {
        for what in live.takeDue(now: Clock.monotonicNanoseconds) {
            switch what {
            case .frame(let number):
                guard let client = live.clients.removeValue(forKey: number) else { continue }
                live.desk.remove(number)
                live.counters.late += 1
                reply(to: client, Problem.deadlinePassed.reply())
            case .study(let identifier): studyIsLate(identifier)
            }
        }
        setAlarm()
    }

    // MARK: Connections

    private func acceptConnections(_ socket: ListeningSocket) {
        for _ in 0..<Self.limitAtOnce {
            guard let connection = FrameConnection(acceptedFrom: socket) else { return }
            guard live.connections.count < core.limits.frameConnectionCount, !live.isPaused else {
                let answer = core.refused(.tooManyConnections, connection.peerUser)
                auditor.note(core.refusals.takeFirsts())
                _ = connection.send(Self.message(answer, token: 0))
                continue
            }
            live.connections[connection.descriptor] = connection
            watch(connection)
        }
    }

    private func watch(_ connection: FrameConnection) {
        do throws(PlatformError) { try server.watch(descriptor: connection.descriptor) { [self] in receive(from: connection) } } catch { drop(connection) }
    }

    /// What one client may have done before another has its turn.
    private static let limitAtOnce = 4

    private func receive(from connection: FrameConnection) {
        for _ in 0..<Self.limitAtOnce {
            switch connection.receive() {
            case .nothing: return
            case .closed(let descriptors):
                live.close(descriptors)
                drop(connection)
            case .message(let message): received(message, from: connection)
            }
            guard live.closerHasRoom else { return pause() }
            // The connection may have been given up over this message.
            guard live.connections[connection.descriptor] === connection else { return }
        }
    }

    private func pause() {
        live.isPaused = true
        for descriptor in live.connections.keys { server.unwatch(descriptor: descriptor) }
    }

    private func resume() {
        live.isPaused = false
        for connection in live.connections.values { watch(connection) }
    }

    private func drop(_ connection: FrameConnection) {
        guard live.connections.removeValue(forKey: connection.descriptor) != nil else { return }
        server.unwatch(descriptor: connection.descriptor)
        forgetFrames { client in
            if case .connection(let other, _) = client { return other === connection }
            return false
        }
    }

    private func giveUp(_ connection: FrameConnection) {
        live.counters.dropped += 1
        drop(connection)
    }

    private func received(_ message: FrameConnection.Message, from connection: FrameConnection) {
        guard message.byteCount == FrameHead.byteCount, let token = FrameHead.token(of: message.bytes) else {
            live.close(message.descriptors)
            refuse(.connection(connection, token: 0), .badHead("it is not a head of version 1"))
            return giveUp(connection)
        }
        let client = LiveState.Client.connection(connection, token: token)
        do throws(Problem) {
            try take(message, from: connection, for: client)
        } catch {
            live.close(message.descriptors)
            refuse(client, error)
            // Who passes what may hold us up does not do it twice over one connection.
            if error.code == Problem(.notSharedMemory).code { giveUp(connection) }
        }
    }

    private func take(_ message: FrameConnection.Message, from connection: FrameConnection, for client: LiveState.Client) throws(Problem) {
        guard !message.isCut, message.descriptors.count == 1, let descriptor = message.descriptors.first else { throw .oneDescriptor }
        guard descriptor.isSharedMemory else { throw Problem(.notSharedMemory) }
        let head = try FrameHead(parsing: message.bytes)
        if core.isStopping { throw .stopping }
        try core.checkUser(connection.peerUser)
        guard head.byteCount <= core.limits.http.bodyByteCount else { throw .bodyTooLarge(limit: core.limits.http.bodyByteCount) }
        let memory: SealedMemory
        do throws(SealedMemoryError) { memory = try descriptor.map(byteCount: head.byteCount) } catch { throw Problem(error) }
        switch head.content {
        case .file(let kind) where head.isStudy:
            let bytes = memory.copy
            guard core.recognise(bytes) == kind else { throw .kindMismatch }
            var study = try core.admit(bytes, as: kind, .all, waits: false, surroundings())
            study.modality = head.modality
            study.origin = .frames(user: connection.peerUser, process: connection.peerProcess)
            study.patienceMilliseconds = head.deadlineMilliseconds
            queue(study, waits: false, for: client)
        case .file(let kind):
            take(
                LiveFrame(content: .memory(memory, kind), modality: head.modality), from: .connection(connection.descriptor),
                deadlineMilliseconds: head.deadlineMilliseconds, for: client)
        case .pixels(let pixels):
            take(
                LiveFrame(content: .pixels(memory, pixels), modality: head.modality), from: .connection(connection.descriptor),
                deadlineMilliseconds: head.deadlineMilliseconds, for: client)
        }
    }

    // MARK: Answers

    private func refuse(_ client: LiveState.Client, _ problem: Problem) {
        var user: Int?
        if case .connection(let connection, _) = client { user = connection.peerUser }
        live.counters.refused += 1
        let answer = core.refused(problem, user)
        auditor.note(core.refusals.takeFirsts())
        reply(to: client, answer)
    }

    /// - Parameter identifier: of the study that the answer is about.
    func reply(to client: LiveState.Client, _ reply: HTTPReply, about identifier: StudyIdentifier? = nil) {
        switch client {
        case .http(let exchange): server.reply(exchange, reply)
        case .connection(let connection, let token):
            guard live.connections[connection.descriptor] === connection else { return }
            var sending = connection.send(Self.message(reply, token: token))
            if sending == .tooLong { sending = connection.send(Self.message(Problem.answerTooLong.reply(identifier: identifier), token: token)) }
            if sending != .sent { giveUp(connection) }
        }
    }

    /// `{"token":…,"status":…,"body":…}`: what HTTP would answer, in one message.
    private static func message(_ reply: HTTPReply, token: Int) -> [UInt8] {
        var text = JSONText()
        text.beginObject()
        text.member("token", token)
        text.member("status", reply.status)
        text.key("body")
        text.value(json: reply.body.last == 0x0A ? Array(reply.body.dropLast()) : reply.body)
        text.endObject()
        return text.utf8
    }
}
