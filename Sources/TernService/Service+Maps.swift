internal import TernFindings
internal import TernPlatform

extension Service {
    /// On the worker's thread: puts the maps of a result on the disk before the result, which says so. Without room for them it is a result without maps.
    func keepMaps(of analysis: inout Analysis, _ identifier: StudyIdentifier) {
        guard let shelf else { return }
        if let earlier = analysis.result.answeredFrom {
            analysis.result.hasMaps = StudyIdentifier(Array(earlier.id.utf8)).map { shelf.holds($0) } ?? false
            return
        }
        do throws(PlatformError) {
            analysis.result.hasMaps = try shelf.store(analysis.mapPictures, of: identifier, sequence: file.lastSequence + 1)
        } catch {
            analysis.result.hasMaps = false
            events.note("maps_not_kept", [Problem.Number(name: "errno", value: Int(error.number))], level: .warning)
        }
        analysis.mapPictures = []
    }

    /// Answers with a map, from the disk; what the reader of old results gives back is a picture, or why there is none.
    func showMap(of identifier: StudyIdentifier, label: [UInt8]?, for user: Int?, _ exchange: Exchange) {
        guard let shelf else { return server.reply(exchange, core.refused(.mapNeverMade, user)) }
        let slot = Slot<Result<[UInt8], Problem>>()
        let isTaken = reader.submit(
            run: {
                do throws(Problem) { slot.value = .success(try shelf.picture(of: identifier, label: label)) } catch { slot.value = .failure(error) }
            },
            finish: { [self] in
                searchCount -= 1
                switch slot.value {
                case .success(let bytes) where !bytes.isEmpty:
                    server.reply(exchange, HTTPReply(status: 200, contentType: "image/jpeg", body: bytes))
                case .failure(let problem): server.reply(exchange, core.refused(problem, user))
                default: server.reply(exchange, core.refused(.noSuchMap, user))
                }
            })
        if isTaken { searchCount += 1 } else { server.reply(exchange, core.refused(.tooManySearches, user)) }
    }

    /// Answers with a map of the result on a line that was found, or says why it has none.
    func showMap(of line: [UInt8], label: [UInt8]?, for user: Int?, _ exchange: Exchange) {
        let found = ResultLine(line)
        for identifier in [found.identifier, found.earlierIdentifier] {
            if let identifier, shelf?.holds(identifier) == true { return showMap(of: identifier, label: label, for: user, exchange) }
        }
        server.reply(exchange, core.refused(found.hasSucceeded ? found.hasMaps ? .mapGone : .mapNeverMade : .mapNotAnalysed, user))
    }
}

extension ServiceCore {
    /// `GET /v1/findings/ID/map.jpg`.
    func map(of identifier: StudyIdentifier, label: [UInt8]?, _ around: Surroundings) throws(Problem) -> Answer {
        guard around.searchCount < limits.searchCount else { throw .tooManySearches }
        if shelf?.holds(identifier) == true { return .map(identifier, label: label) }
        if let line = ring.line(of: identifier) { return .mapOfLine(line, label: label) }
        if pending[identifier] != nil { throw .noResultYet }
        guard let first = ring.oldest, oldest < first else { throw .noSuchFinding }
        return .search(identifier, before: first, mapLabel: .some(label))
    }
}

extension ResultLine {
    /// Whether pictures of maps were put on the disk with it.
    var hasMaps: Bool { contains("\",\"maps\":true,\"model\":{") }

    var identifier: StudyIdentifier? { identifier(after: "\"id\":\"") }
    /// That of the result it repeats.
    var earlierIdentifier: StudyIdentifier? { identifier(after: "\"answeredFrom\":{\"id\":\"") }
}

extension Problem {
    static var mapNeverMade: Problem {
        Problem(status: 404, code: "map_never_made", message: "no map was made of this result: the service ran without --maps, the model has none, or the image is out of distribution")
    }

    static var mapGone: Problem { Problem(status: 404, code: "map_gone", message: "the maps of this result were removed to make room") }

    static var mapNotAnalysed: Problem { Problem(status: 404, code: "not_analysed", message: "the image was not analysed; the result says why") }

    static var noSuchMap: Problem { Problem(status: 404, code: "no_such_label", message: "the result has no map of this label") }
}
