import Dispatch
import Synchronization
import TernEngine
import TernEvaluation
import TernKernels
import TernModel

/// Runs every case of a data set through engines of their own, one a thread.
///
/// Images are shared out, not the work on one image: small models gain nothing from a second thread on one image. The results are the same for every
/// count of threads.
final class EvaluationRun: Sendable {
    /// One case with the raw outputs of the model.
    struct Measured: Sendable {
        var result: CaseResult
        var outputs: [Float]
    }
    private struct State: ~Copyable {
        var measured: [Measured?]
        var next = 0
        var done = 0
        var failure: (index: Int, reason: Failure)?
        var instructionSet = ""
        var progress: ProgressBar
    }
    private let model: String
    private let isa: String?
    private let dataset: Dataset
    private let state: Mutex<State>

    init(model: String, isa: String?, dataset: Dataset) {
        self.model = model
        self.isa = isa
        self.dataset = dataset
        let count = dataset.cases.count
        state = Mutex(State(measured: [Measured?](repeating: nil, count: count), progress: ProgressBar("evaluating", total: count)))
    }

    /// - Returns: the cases in their order and the name of the kernel table.
    /// - Throws: the failure of the first case that failed.
    func run(threads: Int) throws(Failure) -> (measured: [Measured], instructionSet: String) {
        DispatchQueue.concurrentPerform(iterations: max(1, min(threads, dataset.cases.count))) { _ in work() }
        let (measured, failure, name) = state.withLock { ($0.measured, $0.failure, $0.instructionSet) }
        if let failure { throw failure.reason }
        return (measured.compactMap { $0 }, name)
    }

    private func work() {
        var index = 0
        do throws(Failure) {
            let engine = try openEngine(model, isa: isa, threads: 1)
            state.withLock { $0.instructionSet = engine.instructionSet.name }
            while let next = take() {
                index = next
                let measured = try measure(engine, dataset.cases[next])
                state.withLock {
                    $0.measured[next] = measured
                    $0.done += 1
                    $0.progress.update($0.done)
                }
            }
        } catch {
            state.withLock { if $0.failure.map({ index < $0.index }) ?? true { $0.failure = (index, error) } }
        }
    }

    /// The next case, nil when none is left or one failed.
    private func take() -> Int? {
        state.withLock { state in
            guard state.failure == nil, state.next < state.measured.count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    private func measure(_ engine: Engine, _ one: Dataset.Case) throws(Failure) -> Measured {
        let file = engine.model
        let input: [Float]
        switch one.source {
        case .file(let path): input = try preparedImage(path, file)
        case .array(let index):
            guard let images = dataset.images else { throw Failure(.fault, "a case of an archive without images") }
            input = try preparedImage(images.image(at: index), file, name: one.name)
        }
        let outputs = try infer(engine, input)
        var plain = file.labels
        plain.temperature = 1
        return Measured(
            result: CaseResult(
                name: one.name, truth: one.truth, scores: Scores.scores(of: outputs.span, labels: file.labels),
                plainScores: Scores.scores(of: outputs.span, labels: plain), outOfDistribution: engine.featureScore),
            outputs: outputs)
    }
}
