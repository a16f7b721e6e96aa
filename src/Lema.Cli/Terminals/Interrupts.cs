using System.Runtime.InteropServices;

namespace Lema.Cli.Terminals;

/// <summary>Ctrl-C and SIGTERM. Lives as long as the process; the first one cancels <see cref="First"/>, the next <see cref="Second"/>, a third ends the process.</summary>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource _first = new();
    private readonly CancellationTokenSource _second = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Lock _lock = new();
    private CancellationTokenSource? _step;

    /// <summary>Cancelled by the first interrupt: leave what you do, tidy up.</summary>
    public CancellationToken First => _first.Token;

    /// <summary>Cancelled by the second interrupt.</summary>
    public CancellationToken Second => _second.Token;

    /// <summary>Listens to the signals of this process.</summary>
    public static Interrupts OfProcess()
    {
        Interrupts interrupts = new();
        foreach (PosixSignal signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP })
        {
            interrupts._registrations.Add(PosixSignalRegistration.Create(signal, context => context.Cancel = interrupts.Raise()));
        }
        return interrupts;
    }

    /// <returns>False when both tokens were cancelled before, so that nothing is left to ask politely.</returns>
    public bool Raise()
    {
        CancellationTokenSource? next;
        lock (_lock) next = new[] { _step, _first, _second }.FirstOrDefault(source => source is { IsCancellationRequested: false });
        next?.Cancel();
        return next is not null;
    }

    /// <summary>Runs a step that an interrupt ends without ending the command.</summary>
    /// <exception cref="OperationCanceledException">The step, or the whole command, was interrupted.</exception>
    public async Task RunStepAsync(Func<CancellationToken, Task> run)
    {
        CancellationTokenSource step = new();
        using CancellationTokenRegistration whole = First.Register(step.Cancel);
        lock (_lock) _step = step;
        try
        {
            await run(step.Token);
        }
        catch (Exception) when (step.IsCancellationRequested)
        {
            throw new OperationCanceledException(step.Token);
        }
        finally
        {
            // The source itself is left to the collector: a signal may be about to cancel it.
            lock (_lock) _step = null;
        }
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _first.Dispose();
        _second.Dispose();
    }
}
