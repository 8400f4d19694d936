import TernBytes
import TernFindings
import TernModel
import TernPage
import TernPlatform
import TernPrepare
import TernScreening
import TernService

/// One run over a folder: what is left to do, done by several threads, and the results.
struct ScreenRun {
    /// Bytes of files that are held in memory at once, but for one that is larger.
    private static let limitHeldByteCount = 512 << 20
    /// Records are put on the disk together, so many or as many as there are after this time.
    private static let limitBatchCount = 64
    private static let batchNanoseconds: UInt64 = 500_000_000

    let request: ScreenRequest
    let arguments: Arguments
    let model: ModelFile
    let labels: Labels
    let options: ModelOptions
    let journal: ScreeningJournal
    let listing: FolderListing
    private let report: ReportModel
    private var left: [FolderListing.Item] = []
    private var changedCount = 0
    private var isStopped = false
    /// Of this start.
    private var notDICOMCount = 0
    private var notIdentifiedCount = 0
    /// Files that earlier starts have done.
    private let countBefore: Int

    init(
        request: ScreenRequest, arguments: Arguments, model: ModelFile, labels: Labels, options: ModelOptions, journal: ScreeningJournal,
        listing: FolderListing
    ) {
        self.request = request
        self.arguments = arguments
        self.model = model
        self.labels = labels
        self.options = options
        self.journal = journal
        self.listing = listing
        report = ReportModel(model, labels: labels)
        countBefore = journal.count
        for item in listing.items {
            let state = journal.state(of: item)
            if !state.isDone { left.append(item) } else if !state.isSame { changedCount += 1 }
        }
    }

    /// Does what is left, writes the results and says what came of it.
    mutating func finish() throws(ScreeningError) -> ExitCode {
        if left.isEmpty, journal.count == 0 {
            say("screen: the folder has no image files" + listing.skipped.words, .error)
            return .cannotOpen
        }
        if changedCount > 0 { say("screen: \(counted(changedCount, "file")) changed since; the rows are of what was there before", .warning) }
        var failure: Failure?
        do throws(Failure) { try readAll() } catch { failure = error }
        let page = ScreeningReport(
            program: "ternd " + programVersion, time: Clock.utcNow, folder: request.folder, model: report, fileCount: journal.count + remainingCount,
            skipped: listing.skipped, pageHead: Page.head(), pageTail: Page.tail())
        // What was done before a failure can be looked at too, unless it is the disk that failed.
        do throws(ScreeningError) { try page.write(journal) } catch {
            if failure == nil { throw error }
        }
        sayMissingObjects()
        if let failure {
            say(failure.message, .error)
            return failure.code
        }
        try? put(summary)
        if isStopped {
            say("screen: stopped with \(counted(remainingCount, "image")) to do; the same command goes on")
            return .busy
        }
        if listing.skipped.unreadable > 0 { say("screen: \(counted(listing.skipped.unreadable, "folder or file")) could not be looked at", .warning) }
        return journal.incompleteCount > 0 || listing.skipped.unreadable > 0 ? .badInput : .ok
    }

    private func sayMissingObjects() {
        if notDICOMCount > 0 {
            let verb = notDICOMCount == 1 ? "is" : "are"
            say("screen: \(counted(notDICOMCount, "image")) \(verb) no DICOM: no object was written; --outbox-forms json,fhir,hl7,txt has forms for all", .warning)
        }
        if notIdentifiedCount > 0 {
            say("screen: \(counted(notIdentifiedCount, "DICOM file")) without study or instance UID: no object was written", .warning)
        }
    }

    private var remainingCount: Int { left.count - doneCount }
    private var doneCount: Int { journal.count - countBefore }

    /// Reads, analyses and records all that is left, until somebody stops it.
    private mutating func readAll() throws(Failure) {
        guard !left.isEmpty else { return }
        var readers: [Reader] = []
        var outbox: OutboxWriter?
        for _ in 0..<min(request.threadCount, left.count) {
            let reader = Reader(engine: try options.engine(model), labels: labels)
            reader.makesEvidence = request.makesPictures
            outbox = try arguments.outbox(for: report, reader)
            readers.append(reader)
        }
        try options.prove(readers[0].engine, while: { !Process.isAskedToStop })
        let rowMaker = ScreenRowMaker(model: report, makesPictures: request.makesPictures, outbox: outbox)
        let desk: ScreenDesk
        let crew: ScreenCrew
        do throws(PlatformError) {
            let monitor = try Monitor()
            desk = ScreenDesk(monitor: monitor)
            crew = try ScreenCrew(readers: readers, desk: desk, monitor: monitor, screen: { (job, reader) throws(PlatformError) in try rowMaker.item(job, reader) })
        } catch {
            throw Failure(.unavailable, "screen: the system refuses threads or memory")
        }
        var display = ScreenDisplay(
            ScreeningProgress(total: journal.count + left.count, doneBefore: journal.count, notAnalysed: journal.count(of: .notAnalysed)),
            threadCount: readers.count)
        var failure: Failure?
        do throws(Failure) { try feed(desk, windowCount: 8 * readers.count + 16, &display) } catch {
            failure = error
            desk.withdraw()
        }
        desk.close()
        crew.end()
        display.end()
        if let failure { throw failure }
    }

    private mutating func feed(_ desk: ScreenDesk, windowCount: Int, _ display: inout ScreenDisplay) throws(Failure) {
        let first = journal.count + 1
        var submitted = 0
        var collected = 0
        var batch: [ScreenedItem] = []
        // What is finished before it or at the same time is recorded first.
        var failure: Failure?
        // The first of all at once: whoever waits sees that it works.
        var lastRecorded = Clock.monotonicNanoseconds &- Self.batchNanoseconds
        while true {
            if !isStopped, Process.isAskedToStop {
                isStopped = true
                display.pause()
                say("screen: stopping after the images that are being read; once more stops at once")
            }
            if failure == nil { failure = desk.failure.map { Failure($0, "outbox") } }
            let isEnding = isStopped || failure != nil
            let mayRead = !isEnding && submitted < left.count && submitted - collected < windowCount && desk.byteCount < Self.limitHeldByteCount
            if mayRead {
                do throws(Failure) {
                    desk.submit(try job(left[submitted], index: first + submitted))
                    submitted += 1
                } catch {
                    failure = error
                }
            } else if isEnding {
                // Those that nobody has begun are left to the next start: they are the last ones.
                desk.withdraw()
            }
            // Asked before what is finished is taken: nothing is delivered between the two.
            let isIdle = isEnding && desk.isIdle
            let items = desk.collect(from: first + collected, waitingMilliseconds: mayRead || isIdle ? 0 : 100)
            collected += items.count
            batch.append(contentsOf: items)
            let isDone = isEnding ? isIdle : collected == left.count
            let now = Clock.monotonicNanoseconds
            if isDone || batch.count >= Self.limitBatchCount || !batch.isEmpty && now &- lastRecorded >= Self.batchNanoseconds {
                do throws(ScreeningError) { try journal.append(batch) } catch { throw Failure(error) }
                // What is shown as done is on the disk.
                for item in batch {
                    display.count(item)
                    if item.missingObject == .notDICOM { notDICOMCount += 1 }
                    if item.missingObject == .notIdentified { notIdentifiedCount += 1 }
                }
                batch = []
                lastRecorded = Clock.monotonicNanoseconds
            }
            display.show()
            if let failure, isDone { throw failure }
            if isDone { return }
        }
    }

    /// Reads a file's bytes.
    ///
    /// - Throws: when it cannot be opened because the whole folder has gone, such as a stick that was pulled out.
    private func job(_ item: FolderListing.Item, index: Int) throws(Failure) -> ScreenJob {
        let path = Array(request.root.utf8) + [0x2F] + item.path
        let identifier: StudyIdentifier
        do throws(ServiceError) { identifier = try StudyIdentifier() } catch { throw Failure(.unavailable, "the system gives no random bytes") }
        var job = ScreenJob(index: index, identifier: identifier, file: item, input: Input(bytes: [], kind: nil), refusal: nil)
        do throws(PlatformError) {
            let bytes = try readFile(path, limitByteCount: limitFileByteCount)
            job.input = Input(bytes: bytes, kind: InputKind(recognising: bytes), selection: request.selection, modality: request.modality)
            completePair(path, &job.input)
        } catch {
            switch error {
            case .emptyFile: break
            case .fileTooLarge: job.refusal = .fileTooLarge
            default:
                job.refusal = .notOpened
                do throws(PlatformError) { _ = try Tree.names(in: Array(request.root.utf8), limit: 0) } catch {
                    throw Failure(.cannotOpen, "screen: the folder is no longer there: \(reason(error.errno)). What is done is kept; the same command goes on")
                }
            }
        }
        return job
    }

    private var summary: String {
        var text = counted(journal.count, "image")
        text += ": \(journal.count(of: .finding)) with a finding, \(journal.count(of: .needsReview)) \(journal.count(of: .needsReview) == 1 ? "needs" : "need") a human, "
        text += "\(journal.count(of: .notAnalysed)) not analysed, \(journal.count(of: .noFinding)) without a finding\(listing.skipped.words)\n"
        return text + "report.html, findings.csv and findings.jsonl are in the folder of --out\n"
    }
}

extension FolderListing.Skipped {
    /// What was not looked at; empty when there is nothing.
    var words: String {
        var text = ""
        for (count, name, end) in [(others, "other file", ""), (hidden, "hidden one", ""), (links, "link", ""), (tooDeep, "folder", " too deep"), (unreadable, "unreadable one", "")]
        where count > 0 { text += (text.isEmpty ? "; left out: " : ", ") + counted(count, name) + end }
        return text
    }
}

private func counted(_ count: Int, _ name: String) -> String { "\(count) " + name + (count == 1 ? "" : "s") }

/// What a person sees while it runs: a bar on a terminal, else a line every ten seconds.
struct ScreenDisplay {
    private var progress: ScreeningProgress
    private let start = Clock.monotonicNanoseconds
    private var shown: UInt64
    private var isDrawn = false

    init(_ progress: ScreeningProgress, threadCount: Int) {
        self.progress = progress
        shown = start
        let before = progress.doneBefore > 0 ? ", \(progress.doneBefore) of them done before" : ""
        say("screen: \(counted(progress.total, "image"))\(before), \(threadCount) at a time")
    }

    mutating func count(_ item: ScreenedItem) {
        progress.done += 1
        if item.kind == .notAnalysed { progress.notAnalysed += 1 }
    }

    mutating func show() {
        let columns = Process.messageColumns
        let now = Clock.monotonicNanoseconds
        guard now - shown >= (columns == nil ? 10_000_000_000 : 100_000_000) || (columns != nil && !isDrawn) else { return }
        shown = now
        draw(now, columns)
    }

    private mutating func draw(_ now: UInt64, _ columns: Int?) {
        let milliseconds = Int((now - start) / 1_000_000)
        if let columns {
            Process.writeMessage("\r" + progress.bar(milliseconds: milliseconds, columns: columns) + "\u{1B}[K")
            isDrawn = true
        } else {
            say("screen: " + progress.text(milliseconds: milliseconds))
        }
    }

    /// Makes room for another message.
    mutating func pause() {
        if isDrawn { Process.writeMessage("\r\u{1B}[K") }
        isDrawn = false
    }

    /// The last word on it.
    mutating func end() {
        draw(Clock.monotonicNanoseconds, Process.messageColumns)
        if isDrawn { Process.writeMessage("\n") }
    }
}
