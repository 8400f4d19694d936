import Testing

@testable import TernService

/// What the loop decides, without a disk: jobs are answered by the test.
@Suite struct WatchedPlanTests {
    typealias Plan = WatchedPlan
    private let second: UInt64 = 1_000_000_000

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func claim(_ name: String, _ generation: Int = 1) throws -> Plan.Claim {
        Plan.Claim(file: Plan.File(identifier: try StudyIdentifier(), name: bytes(name), generation: generation), byteCount: 100)
    }

    private func next(_ plan: inout Plan, hasRoom: Bool = true) -> Plan.Job? { plan.next(hasRoom: { _ in hasRoom }) }

    /// A plan whose folder is open and was listed once.
    private func watching(_ names: [String] = [], share: Int = 4) -> Plan {
        var plan = Plan(share: share)
        #expect(next(&plan) == .open(generation: 1))
        #expect(next(&plan) == nil, "one job is under way at a time")
        plan.opened()
        #expect(next(&plan) == .scan(limit: Plan.limitNames))
        plan.scanned((names.map(bytes), true))
        return plan
    }

    private func names(_ job: Plan.Job?) -> [String]? {
        guard case .claim(let candidates) = job else { return nil }
        return candidates.map { String(decoding: $0.name, as: UTF8.self) }
    }

    @Test func aFileGoesItsWay() throws {
        var plan = watching(["a"])
        #expect(next(&plan) == .claim([Plan.Candidate(name: bytes("a"), isClosed: false)]))
        let claim = try claim("a")
        plan.claimed([.claimed(claim)], isSynced: true, now: 0)
        #expect(plan.waitingCount == 1 && next(&plan) == .load(claim))
        plan.loaded()
        #expect(next(&plan) == nil && plan.inFlight.count == 1 && plan.waitingCount == 0)
        plan.end(claim.file.identifier, .result(line: [1], succeeded: true))
        let ended = Plan.Ended(file: claim.file, ending: .result(line: [1], succeeded: true))
        #expect(!plan.isIdle && next(&plan) == .finish([ended]))
        plan.finished([.done])
        #expect(next(&plan) == nil && plan.isIdle && plan.counts.done == 1 && plan.counts.taken == 1 && plan.inFlight.isEmpty)
    }

    @Test func aFolderThatIsMissingIsTriedAgain() {
        var plan = Plan(share: 1)
        #expect(next(&plan) == .open(generation: 1))
        plan.notOpened(.missing)
        #expect(next(&plan) == nil && plan.state == .missing)
        plan.placeChanged()
        #expect(next(&plan) == .open(generation: 2))
        plan.notOpened(.refused(errno: 13))
        plan.tick(now: 0)
        #expect(next(&plan) == nil)
        plan.tick(now: 0)
        #expect(next(&plan) == .open(generation: 3))
        plan.opened()
        #expect(plan.state == .watching && next(&plan) == .scan(limit: Plan.limitNames))
    }

    @Test func aFolderThatGoesIsForgottenAndItsFilesAreNot() throws {
        var plan = watching(["a", "b"])
        #expect(names(next(&plan)) == ["a", "b"])
        let claim = try claim("a")
        plan.claimed([.claimed(claim), .unsettled(Plan.Candidate(name: bytes("b"), isClosed: false), .init(byteCount: 1, changed: 1))], isSynced: true, now: 0)
        plan.noticed(bytes("c"))
        plan.placeChanged()
        #expect(next(&plan) == .check)
        plan.checked(isThere: false)
        #expect(plan.state == .missing && plan.waitingCount == 1 && plan.unsettledCount == 0 && plan.generationsInUse == [1])
        #expect(next(&plan) == .open(generation: 2))
        plan.notOpened(.missing)
        #expect(next(&plan) == .load(claim))
        plan.loaded()
        plan.vanished(claim.file.identifier)
        #expect(plan.generationsInUse.isEmpty && plan.counts.orphaned == 1)
    }

    @Test func aFileThatIsWrittenWaitsUntilItIsClosed() {
        var plan = watching(["a"])
        _ = next(&plan)
        let candidate = Plan.Candidate(name: bytes("a"), isClosed: false)
        let signature = Plan.Signature(byteCount: 10, changed: 20)
        plan.claimed([.unsettled(candidate, signature)], isSynced: true, now: 0)
        #expect(plan.unsettledCount == 1 && next(&plan) == nil)
        plan.noticed(bytes("a"))
        #expect(plan.unsettledCount == 0 && next(&plan) == .claim([Plan.Candidate(name: bytes("a"), isClosed: true)]))
        // Closed while it was looked at: its turn is kept.
        plan.noticed(bytes("a"))
        plan.claimed([.unsettled(candidate, signature)], isSynced: true, now: 0)
        #expect(plan.unsettledCount == 0 && names(next(&plan)) == ["a"])
    }

    @Test func aFileThatNobodyClosesIsLookedAtAgainAfterTwoSeconds() {
        var plan = watching(["a"])
        _ = next(&plan)
        let signature = Plan.Signature(byteCount: 10, changed: 20)
        plan.claimed([.unsettled(Plan.Candidate(name: bytes("a"), isClosed: false), signature)], isSynced: true, now: second)
        plan.tick(now: 2 * second)
        #expect(next(&plan) == nil)
        plan.tick(now: 3 * second)
        #expect(next(&plan) == .check)
        plan.checked(isThere: true)
        #expect(next(&plan) == .claim([Plan.Candidate(name: bytes("a"), isClosed: false, seen: signature)]))
    }

    @Test func aFileThatCannotBeMovedIsLeftForHalfAMinute() {
        var plan = watching(["a"])
        _ = next(&plan)
        plan.claimed([.stuck(bytes("a"), errno: 1)], isSynced: true, now: 0)
        #expect(plan.stuckCount == 1 && next(&plan) == nil)
        for _ in 0..<Plan.scanTicks { plan.tick(now: 0) }
        #expect(plan.stuckCount == 0 && next(&plan) == .check)
        plan.checked(isThere: true)
        #expect(next(&plan) == .scan(limit: Plan.limitNames))
        plan.scanned(([bytes("a")], true))
        _ = next(&plan)
        plan.claimed([.stuck(bytes("a"), errno: 1)], isSynced: true, now: 0)
        plan.noticed(bytes("a"))
        #expect(plan.stuckCount == 0 && names(next(&plan)) == ["a"])
    }

    @Test func onlyItsShareOfTheQueueIsTaken() throws {
        var plan = watching(["a", "b", "c"], share: 2)
        _ = next(&plan)
        let claims = [try claim("a"), try claim("b"), try claim("c")]
        plan.claimed(claims.map { .claimed($0) }, isSynced: true, now: 0)
        #expect(next(&plan, hasRoom: false) == nil && next(&plan) == .load(claims[0]))
        plan.loaded()
        #expect(next(&plan) == .load(claims[1]))
        plan.loaded()
        #expect(next(&plan) == nil)
        plan.end(claims[0].file.identifier, .problem(line: []))
        #expect(next(&plan) == .finish([Plan.Ended(file: claims[0].file, ending: .problem(line: []))]))
        // What has ended and cannot be put into its place counts too: a folder that takes nothing back is given no more work.
        plan.finished([.again(errno: 28)])
        #expect(next(&plan) == nil && plan.isIdle)
        plan.tick(now: 0)
        #expect(next(&plan) == .finish([Plan.Ended(file: claims[0].file, ending: .problem(line: []))]))
        plan.finished([.failed])
        #expect(next(&plan) == .load(claims[2]) && plan.counts.failed == 1)
    }

    @Test func nothingIsReadBeforeItsPlaceIsOnTheDisk() throws {
        var plan = watching(["a"])
        _ = next(&plan)
        let claim = try claim("a")
        plan.claimed([.claimed(claim)], isSynced: false, now: 0)
        #expect(next(&plan) == nil)
        plan.tick(now: 0)
        #expect(next(&plan) == .sync)
        plan.synced(false)
        #expect(next(&plan) == nil)
        plan.tick(now: 0)
        #expect(next(&plan) == .check)
        plan.checked(isThere: true)
        #expect(next(&plan) == .sync)
        plan.synced(true)
        #expect(next(&plan) == .load(claim))
    }

    @Test func filesOfAnEarlierRunAreSorted() throws {
        var plan = Plan(share: 4)
        _ = next(&plan)
        plan.opened()
        let claims = [try claim("answered"), try claim("queued"), try claim("long ago"), try claim("new")]
        let result = Plan.Ending.result(line: [1], succeeded: true)
        plan.end(claims[0].file, result)
        plan.await(claims[1])
        plan.seek(claims[2])
        plan.seek(claims[3])
        #expect(next(&plan) == .finish([Plan.Ended(file: claims[0].file, ending: result)]))
        plan.finished([.done])
        #expect(next(&plan) == .search([claims[2], claims[3]]))
        plan.sought([(claims[2].file.identifier, result)], isComplete: true)
        #expect(next(&plan) == .finish([Plan.Ended(file: claims[2].file, ending: result)]))
        plan.finished([.done])
        #expect(next(&plan) == .load(claims[3]))
        plan.loaded()
        plan.end(claims[1].file.identifier, result)
        #expect(next(&plan) == .finish([Plan.Ended(file: claims[1].file, ending: result)]))
    }

    @Test func aFileWhoseResultCannotBeLookedForIsNotRead() throws {
        var plan = watching()
        let claims = [try claim("found"), try claim("not found")]
        for claim in claims { plan.seek(claim) }
        let result = Plan.Ending.result(line: [1], succeeded: true)
        #expect(next(&plan) == .search(claims))
        plan.sought([(claims[0].file.identifier, result)], isComplete: false)
        #expect(next(&plan) == .finish([Plan.Ended(file: claims[0].file, ending: result)]))
        plan.finished([.done])
        #expect(next(&plan) == nil && plan.waitingCount == 1)
        // Other files go on.
        plan.noticed(bytes("a"))
        #expect(names(next(&plan)) == ["a"])
        plan.claimed([.nothing(bytes("a"))], isSynced: true, now: 0)
        plan.tick(now: 0)
        #expect(next(&plan) == .search([claims[1]]))
        plan.sought([], isComplete: true)
        #expect(next(&plan) == .load(claims[1]))
    }

    @Test func resultsOfFilesThatAreNotInTheirPlaceAreNeeded() throws {
        var plan = Plan(share: 4)
        #expect(plan.firstNeeded == 0)
        _ = next(&plan)
        plan.notOpened(.missing)
        #expect(plan.firstNeeded == 0)
        plan.placeChanged()
        _ = next(&plan)
        plan.opened()
        #expect(plan.firstNeeded == .max)
        let claims = [try claim("sought"), try claim("answered"), try claim("refused")]
        func result(_ number: Int) -> Plan.Ending {
            .result(line: bytes("{\"schema\":\"tern.result/1\",\"sequence\":\(number),\"id\":\"x\"}\n"), succeeded: true)
        }
        plan.seek(claims[0])
        plan.end(claims[1].file, result(8))
        plan.end(claims[2].file, .problem(line: bytes("{}")))
        #expect(plan.firstNeeded == 0)
        _ = next(&plan)
        plan.finished([.again(errno: 5), .failed])
        #expect(next(&plan) == .search([claims[0]]))
        plan.sought([(claims[0].file.identifier, result(7))], isComplete: true)
        #expect(plan.firstNeeded == 7)
        plan.tick(now: 0)
        _ = next(&plan)
        plan.finished([.done, .done])
        #expect(plan.firstNeeded == .max)
    }

    @Test func aStudyThatTheDiskDidNotTakeIsPutBack() throws {
        var plan = watching(["a"])
        _ = next(&plan)
        let claim = try claim("a")
        plan.claimed([.claimed(claim)], isSynced: true, now: 0)
        _ = next(&plan)
        plan.loaded()
        plan.putBack(claim.file.identifier)
        #expect(next(&plan) == nil && plan.inFlight.isEmpty)
        plan.tick(now: 0)
        #expect(next(&plan) == .load(claim))
    }

    @Test func whatIsNotRememberedIsListedAgain() throws {
        var plan = watching()
        for index in 0..<Plan.limitNames + 5 { plan.noticed(bytes("n\(index)")) }
        #expect(plan.waitingCount == Plan.limitNames)
        // Nothing is taken: a listing would only find the same.
        for _ in 0..<Plan.limitNames / Plan.limitBatch - 1 {
            let batch = try #require(names(next(&plan)))
            plan.claimed(batch.map { .nothing(bytes($0)) }, isSynced: true, now: 0)
        }
        _ = next(&plan)
        let claim = try claim("n")
        plan.claimed([.claimed(claim)], isSynced: true, now: 0)
        #expect(next(&plan) == .load(claim))
        plan.loaded()
        #expect(next(&plan) == .scan(limit: Plan.limitNames))
        plan.scanned(([], true))
        #expect(next(&plan) == nil)
    }

    @Test func lostNoticesListTheFolderAgain() {
        var plan = watching()
        plan.overflowed()
        #expect(next(&plan) == .check && plan.counts.overflows == 1)
        plan.checked(isThere: true)
        #expect(next(&plan) == .scan(limit: Plan.limitNames))
        plan.scanned(nil)
        #expect(next(&plan) == .check && plan.counts.scans == 1)
    }

    @Test func aStopTakesNothingNewAndPutsAwayWhatHasEnded() throws {
        var plan = watching(["a", "b"])
        _ = next(&plan)
        let claims = [try claim("a"), try claim("b")]
        plan.claimed(claims.map { .claimed($0) }, isSynced: true, now: 0)
        _ = next(&plan)
        plan.isStopping = true
        #expect(!plan.isIdle)
        plan.loaded()
        plan.end(claims[0].file, .problem(line: []))
        #expect(next(&plan) == .finish([Plan.Ended(file: claims[0].file, ending: .problem(line: []))]))
        plan.finished([.failed])
        plan.noticed(bytes("c"))
        #expect(next(&plan) == nil && plan.isIdle)
    }

    @Test func namesThatAreNotMeantAreLeft() {
        for name in [".hidden", "a.part", "b.tmp", ".", "c.png.part"] { #expect(!WatchedName.isTaken(bytes(name))) }
        for name in ["a", "part", "a.PART", "tmp", "-", "a.png", " "] { #expect(WatchedName.isTaken(bytes(name))) }
        #expect(WatchedName.isHalfOfPair(bytes("v.img")) && WatchedName.isHalfOfPair(bytes("v.img.gz")) && !WatchedName.isHalfOfPair(bytes("img")))
    }

    @Test func aNameInProcessingTellsItsFile() throws {
        let identifier = try StudyIdentifier()
        for name in [bytes("a.png"), [0xFF, 0xFE], bytes("-"), [UInt8](repeating: 0x61, count: 200)] {
            let back = try #require(WatchedName.claim(WatchedName.claimed(identifier, WatchedName.kept(name))))
            #expect(back.identifier == identifier && back.kept == name)
        }
        let long = (0..<255).map { UInt8($0 % 26 + 0x61) }
        let kept = WatchedName.kept(long)
        #expect(kept.count == 200 && kept.prefix(159) == long.prefix(159) && kept.suffix(40) == long.suffix(40) && kept[159] == 0x7E)
        #expect(WatchedName.answer(WatchedName.claimed(identifier, kept)).count <= 255)
        for name in ["", identifier.text, identifier.text + "-", identifier.text + "_a", "x" + identifier.text + "-a", String(identifier.text.dropLast()) + "x-a"] {
            #expect(WatchedName.claim(bytes(name)) == nil)
        }
        #expect(WatchedName.claim(bytes(identifier.text + "-") + [UInt8](repeating: 0x61, count: 201)) == nil)
    }
}
