import Dispatch
import Synchronization
import TernEngine
import TernEvaluation
import TernKernels
import TernModel
import TernWriter

/// Measures how faithful a model's maps are: one engine a thread, images shared out. The results are the same for every count of threads.
final class ExplainRun: Sendable {
    /// What is measured.
    struct Plan: Sendable {
        var model: String
        var isa: String?
        /// The output that is explained on every image; nil explains the one with the largest score.
        var output: Int?
        var deletion, insertion: Absence
        var steps: Int
        var randomSeeds: [Int]
        /// Model files with shuffled weights, stage after stage, each stage with one for every seed.
        var stages: [(name: String, models: [[UInt8]])]
    }
    /// One image with what the subject needs beside its figures.
    struct Measured: Sendable {
        var figures: MapCase
        var score, scoreDeleted, scoreBeforeInsertion: Double
        var sameClass: Bool?
    }
    /// What all images together gave.
    struct Result {
        var measured: [Measured]
        var instructionSet: String
    }
    /// Shares of the explained output alone, beside the model's map, which with softmax is that of the output less the mean of all others.
    static let alone = "shares of the output alone"

    private struct State: ~Copyable {
        var measured: [Measured?]
        var next = 0
        var done = 0
        var failure: (index: Int, reason: Failure)?
        var instructionSet = ""
        var progress: ProgressBar
    }
    private let plan: Plan
    private let dataset: Dataset
    private let others: OtherMaps?
    private let perturbation: Perturbation
    private let state: Mutex<State>

    init(_ plan: Plan, dataset: Dataset, others: OtherMaps?, grid: TernEvaluation.PatchGrid) {
        self.plan = plan
        self.dataset = dataset
        self.others = others
        perturbation = Perturbation(grid: grid, steps: plan.steps)
        let count = dataset.cases.count
        state = Mutex(State(measured: [Measured?](repeating: nil, count: count), progress: ProgressBar("explaining", total: count)))
    }

    /// - Throws: the failure of the first image that failed.
    func run(threads: Int) throws(Failure) -> Result {
        DispatchQueue.concurrentPerform(iterations: max(1, min(threads, dataset.cases.count))) { _ in work() }
        let (measured, failure, name) = state.withLock { ($0.measured, $0.failure, $0.instructionSet) }
        if let failure { throw failure.reason }
        return Result(measured: measured.compactMap { $0 }, instructionSet: name)
    }

    private func work() {
        var index = 0
        do throws(Failure) {
            let engine = try openEngine(plan.model, isa: plan.isa, threads: 1, makesMaps: true)
            let shuffled = try shuffledEngines()
            state.withLock { $0.instructionSet = engine.instructionSet.name }
            while let next = take() {
                index = next
                let measured = try measure(next, engine, shuffled)
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

    private func shuffledEngines() throws(Failure) -> [[Engine]] {
        var stages: [[Engine]] = []
        for stage in plan.stages { stages.append(try engines(stage.models)) }
        return stages
    }

    private func engines(_ models: [[UInt8]]) throws(Failure) -> [Engine] {
        var engines: [Engine] = []
        for bytes in models { engines.append(try openEngine(try checked(bytes), isa: plan.isa, threads: 1, makesMaps: true)) }
        return engines
    }

    private func take() -> Int? {
        state.withLock { state in
            guard state.failure == nil, state.next < state.measured.count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    private func measure(_ index: Int, _ engine: Engine, _ shuffled: [[Engine]]) throws(Failure) -> Measured {
        let grid = perturbation.grid
        let image = try preparedInput(dataset, index, engine.model)
        let outputs = try infer(engine, image)
        let scores = Scores.scores(of: outputs.span, labels: engine.model.labels)
        let output = plan.output ?? (scores.count == 1 ? 0 : largest(scores))
        let (own, base) = try labelMap(engine, output)
        var orders: [(name: String, map: [Float])] = []
        if engine.isMapOfDifference {
            let values = try modelMap(engine, output).values
            orders.append((ExplainRun.alone, values))
        }
        if let others { orders += others.methods.map { ($0.name, others.map($0, image: index, output: output)) } }
        var correlations: [[Double?]] = []
        for engines in shuffled { correlations.append(try self.correlations(own, engines, output, image)) }
        let deleted = plan.deletion.image(of: image, grid), before = plan.insertion == plan.deletion ? deleted : plan.insertion.image(of: image, grid)
        let ownCurves = try curves(Perturbation.order(by: own), engine, output, image, deleted, before)
        var random: [MapCurves] = [], other: [MapCurves] = []
        for seed in plan.randomSeeds {
            let order = Perturbation.randomOrder(count: grid.count, seed: seed, image: index)
            random.append(try curves(order, engine, output, image, deleted, before))
        }
        for one in orders {
            let order = Perturbation.order(by: one.map)
            other.append(try curves(order, engine, output, image, deleted, before))
        }
        let total = own.reduce(Double(base)) { $0 + Double($1) }
        let whole = engine.mapShape?.method == .patchShares ? decisive(outputs, output, engine) : 1
        return Measured(
            figures: MapCase(
                own: ownCurves, random: random, others: other, correlations: orders.map { rankCorrelation(own, $0.map) }, shuffled: correlations,
                gap: total - whole),
            score: Double(scores[output]), scoreDeleted: ownCurves.deletion.last ?? 0, scoreBeforeInsertion: ownCurves.insertion.first ?? 0,
            sameClass: others.map { largest($0.outputs(ofImage: index)) == largest(outputs) })
    }

    /// Rank correlation of a map with those that other engines make of the same image.
    private func correlations(_ own: [Float], _ engines: [Engine], _ output: Int, _ image: [Float]) throws(Failure) -> [Double?] {
        var found: [Double?] = []
        for engine in engines {
            _ = try infer(engine, image)
            let map = try labelMap(engine, output).values
            found.append(rankCorrelation(own, map))
        }
        return found
    }

    private func curves(
        _ order: [Int], _ engine: Engine, _ output: Int, _ image: [Float], _ deleted: [Float], _ before: [Float]
    ) throws(Failure) -> MapCurves {
        var result = MapCurves(deletion: [], insertion: [])
        var walk = perturbation.walk(from: image, to: deleted, order: order)
        result.deletion = try scores(engine, output, &walk)
        walk = perturbation.walk(from: before, to: image, order: order)
        result.insertion = try scores(engine, output, &walk)
        return result
    }

    private func scores(_ engine: Engine, _ output: Int, _ walk: inout Perturbation.Walk) throws(Failure) -> [Double] {
        var found: [Double] = []
        while let step = walk.next() {
            let outputs = try infer(engine, step)
            found.append(Double(Scores.scores(of: outputs.span, labels: engine.model.labels)[output]))
        }
        return found
    }

    /// What the values of a label's map and its base add up to: the output, less the mean of all others where the map is that of the difference.
    private func decisive(_ outputs: [Float], _ output: Int, _ engine: Engine) -> Double {
        guard engine.isMapOfDifference else { return Double(outputs[output]) }
        let sum = outputs.reduce(0.0) { $0 + Double($1) } - Double(outputs[output])
        return Double(outputs[output]) - sum / Double(outputs.count - 1)
    }
}

extension Engine {
    /// True where the map of a label is that of its output less the mean of the others' (`makeMap(of:in:)`).
    var isMapOfDifference: Bool { mapShape?.method == .patchShares && model.labels.activation == .softmax && model.header.outputCount > 1 }
}

private func checked(_ bytes: [UInt8]) throws(Failure) -> ModelFile {
    do throws(WriterError) { return try ModelWriter.check(bytes) } catch { throw Failure(.fault, "a shuffled model is not valid: \(error)") }
}

/// The index of the largest value; of one value, whether it is above 0.
private func largest(_ values: [Float]) -> Int {
    guard values.count > 1 else { return values.first.map { $0 > 0 ? 1 : 0 } ?? 0 }
    return values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
}

/// The map of the label of an output, as results show it, and what is no patch's; of an output without a label, the output's.
func labelMap(_ engine: Engine, _ output: Int) throws(Failure) -> (values: [Float], base: Float) {
    guard let label = engine.model.labels.labels.first(where: { $0.outputIndex == output }) else { return try modelMap(engine, output) }
    var values = [Float](repeating: 0, count: engine.mapShape?.count ?? 0)
    do throws(EngineError) {
        var span = values.mutableSpan
        let base = try engine.makeMap(of: label, in: engine.model.labels, into: &span)
        return (values, base)
    } catch {
        throw Failure(.badInput, "there is no map of \"\(label.name)\": \(error)")
    }
}

/// The map of one output of the last inference, and what is no patch's.
func modelMap(_ engine: Engine, _ output: Int) throws(Failure) -> (values: [Float], base: Float) {
    var values = [Float](repeating: 0, count: engine.mapShape?.count ?? 0)
    do throws(EngineError) {
        var span = values.mutableSpan
        let base = try engine.makeMap(ofOutput: output, into: &span)
        return (values, base)
    } catch {
        throw Failure(.badInput, "there is no map of output \(output): \(error)")
    }
}

/// The prepared input of a case of a data set.
func preparedInput(_ dataset: Dataset, _ index: Int, _ model: ModelFile) throws(Failure) -> [Float] {
    let one = dataset.cases[index]
    switch one.source {
    case .file(let path): return try preparedImage(path, model)
    case .array(let place):
        guard let images = dataset.images else { throw Failure(.fault, "a case of an archive without images") }
        return try preparedImage(images.image(at: place), model, name: one.name)
    }
}
