import TernPlatform
import TernService
import TernStore

/// What SIGHUP does: the options are read again, and a model that differs takes over once it has proved itself beside the old one.
final class Reloader {
    private let words: [String]
    /// Those of the start.
    private let arguments: Arguments
    private let service: Service
    private let events: ServiceEvents
    /// The loop's; the loader's thread gets a copy.
    private(set) var model: LoadedModel

    init(_ words: [String], _ arguments: Arguments, service: Service, events: ServiceEvents, model: LoadedModel) {
        self.words = words
        self.arguments = arguments
        self.service = service
        self.events = events
        self.model = model
    }

    /// What the loader's thread found.
    private enum Outcome {
        case replaced(LoadedModel)
        /// The same model; what the store says of it may be new.
        case same(isMarkedGood: Bool?, isRolledBack: Bool)
        case configRefused(Failure)
        case modelRefused(Failure)
    }

    private final class Found {
        var outcome: Outcome?
        var heldBack: [String] = []
        /// Those that name another folder than at the start, which the sandbox may keep out of reach.
        var moved: [String] = []
    }

    /// On the loop's thread.
    func reload() {
        let found = Found(), running = model.key
        let begins = service.inBackground(
            run: { [self] in found.outcome = load(running, found) },
            finish: { [self] in
                if let outcome = found.outcome { finish(outcome, heldBack(found)) }
            })
        if !begins { finish(.modelRefused(Failure(.unavailable, "the system refuses a thread")), []) }
    }

    /// On the loader's thread.
    private func load(_ running: LoadedModel.Key, _ found: Found) -> Outcome {
        let loader: ModelLoader
        do throws(Failure) {
            let arguments = try Arguments(words, verb: "serve", table: ServeOptions.table)
            found.moved = moved(arguments)
            loader = try ModelLoader(arguments, start: self.arguments)
            found.heldBack = arguments.heldBack(since: self.arguments)
        } catch {
            return .configRefused(error)
        }
        do throws(Failure) {
            let choice = try loader.choice()
            let service = self.service
            guard let model = try loader.load(choice, running: running, while: { !service.isStopping }) else {
                return .same(isMarkedGood: choice?.isMarkedGood, isRolledBack: choice?.isRolledBack ?? false)
            }
            return .replaced(model)
        } catch {
            return .modelRefused(error)
        }
    }

    private func moved(_ arguments: Arguments) -> [String] {
        ["--model", "--trust", "--store"].filter { name in
            guard let path = arguments.value(name), let start = self.arguments.value(name) else { return arguments.value(name) != nil }
            return name == "--store" ? path != start : Sandbox.Folder.parent(of: path) != Sandbox.Folder.parent(of: start)
        }
    }

    /// What counts after a restart only: a folder that the sandbox has not been told of at the start is one of them.
    private func heldBack(_ found: Found) -> [String] {
        switch found.outcome {
        case .configRefused(let failure), .modelRefused(let failure):
            guard failure.code == .permission, service.sandbox.landlockVersion != nil else { return found.heldBack }
            return found.heldBack + found.moved
        default: return found.heldBack
        }
    }

    private func finish(_ outcome: Outcome, _ heldBack: [String]) {
        switch outcome {
        case .replaced(let model):
            self.model = model
            model.takeFrameTurns(of: service)
            service.replace(identity: model.identity, analyse: model.analyser, analyseFrame: model.frameAnalyser, deliver: model.deliverer(events))
            say("model \(model.words) takes over, digest \(model.key.digest)")
            events.note("model_replaced")
        case .same(let isMarkedGood, let isRolledBack):
            if (isMarkedGood, isRolledBack) != (model.identity.isMarkedGood, model.identity.isRolledBack) {
                model.identity.isMarkedGood = isMarkedGood
                model.identity.isRolledBack = isRolledBack
                service.replace(identity: model.identity, analyse: model.analyser, analyseFrame: model.frameAnalyser, deliver: model.deliverer(events))
            }
            events.note("model_unchanged")
        case .configRefused(let failure):
            say(failure.message)
            events.note("config_refused", [.init(name: "exit_code", value: Int(failure.code.rawValue))], level: .error)
        case .modelRefused(let failure):
            guard !service.isStopping else { return }
            say(failure.message + "; the old model goes on")
            service.countRefusedModel(code: String(failure.code.rawValue))
            events.note("model_refused", [.init(name: "exit_code", value: Int(failure.code.rawValue))], level: .error)
        }
        guard !heldBack.isEmpty else { return }
        say("changed, and in use after a restart only: " + heldBack.joined(separator: " "))
        events.note("reload_needs_restart", [.init(name: "options", value: heldBack.count)], level: .warning)
    }
}
