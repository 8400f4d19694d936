import TernFindings
import TernPlatform
import TernService

extension Arguments {
    static let outboxOptions = ["--outbox", "--outbox-forms"]

    /// Makes the folder of `--outbox`, if it is given.
    func openOutbox() throws(Failure) {
        _ = try outboxForms()
        guard let path = value("--outbox") else { return }
        do throws(PlatformError) { try OutboxWriter.open(path) } catch { throw Failure(error, "outbox") }
        try refuseWatched(path)
    }

    /// A service that reads what it writes makes a result of every result.
    private func refuseWatched(_ path: String) throws(Failure) {
        guard let watched = value("--watch").flatMap({ realPath($0) }), let outbox = realPath(path), watched.utf8.elementsEqual(outbox.utf8) else { return }
        throw Failure(.usage, "\(place("--outbox")) is the folder of --watch: what is written there would be read again")
    }

    /// For `serve --check`: makes nothing, and gives the words for what it found.
    func checkOutbox(_ path: String) throws(Failure) -> String {
        _ = try outboxForms()
        try refuseWatched(path)
        do throws(PlatformError) { try Installation.checkDirectory(path) } catch {
            guard error == .openFailed(errno: 2), realPath(Sandbox.Folder.parent(of: path)) != nil else { throw Failure(error, "outbox") }
            return path + ", which the start makes"
        }
        return path
    }

    /// The writer that the options ask for, nil for none; the reader then keeps what the writer needs.
    func outbox(for model: ReportModel, _ reader: Reader) throws(Failure) -> OutboxWriter? {
        guard let path = value("--outbox") else { return nil }
        reader.makesEvidence = true
        return OutboxWriter(directory: path, forms: try outboxForms(), model: model)
    }

    /// What `--outbox-forms` asks for, in one spelling for the same forms; "none" without an outbox.
    func outboxSetting() throws(Failure) -> String {
        let forms = try outboxForms()
        guard value("--outbox") != nil else { return "none" }
        return OutboxWriter.Form.allCases.filter { forms.contains($0) }.map { $0.rawValue }.joined(separator: ",")
    }

    private func outboxForms() throws(Failure) -> [OutboxWriter.Form] {
        guard let list = value("--outbox-forms") else { return OutboxWriter.Form.standard }
        guard value("--outbox") != nil else { throw Failure(.usage, "\(place("--outbox-forms")) needs --outbox") }
        var forms: [OutboxWriter.Form] = []
        for word in Array(list.utf8).split(separator: 0x2C, omittingEmptySubsequences: false) {
            guard let form = OutboxWriter.Form.allCases.first(where: { $0.rawValue.utf8.elementsEqual(word) }) else {
                throw Failure(.usage, "\(place("--outbox-forms")) is a list of \(OutboxWriter.Form.help)")
            }
            if !forms.contains(form) { forms.append(form) }
        }
        return forms
    }
}

extension OutboxWriter {
    /// For `infer`: what cannot be written ends the run, and a form that this input has not is said.
    func write(_ analysis: Analysis, input: [UInt8], number: Int) throws(Failure) {
        let written: [Form]
        do throws(PlatformError) { written = try write(analysis, input: input) } catch {
            throw Failure(ExitCode(errno: error.number, otherwise: .inputOutput), "outbox: \(reason(error.number))")
        }
        if forms.contains(.report), !written.contains(.report) {
            say("input \(number): no object of DICOM is written: the file is none, or does not say which study and instance it is")
        }
    }
}

extension LoadedModel {
    /// What the service does with each result before it is recorded: it waits until the outbox has it.
    func deliverer(_ events: ServiceEvents) -> Deliverer {
        guard let outbox else { return { (_, _) throws(PlatformError) in } }
        let state = OutboxState()
        return { (study, analysis) throws(PlatformError) in
            do throws(PlatformError) {
                try outbox.write(analysis, input: study.bytes)
                if state.isFailing { events.note("outbox_recovered") }
                state.isFailing = false
            } catch {
                if !state.isFailing { events.note("outbox_failing", [.init(name: "errno", value: Int(error.number))], level: .error) }
                state.isFailing = true
                throw error
            }
        }
    }
}

/// The worker's.
private final class OutboxState {
    var isFailing = false
}
