using System.Runtime.InteropServices;

namespace Lema.Cli.Terminals;

/// <summary>Ctrl-C and SIGTERM. Lives as long as the process; the first one cancels <see cref="First"/>, the next <see cref="Second"/>.</summary>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource _first = new();
    private readonly CancellationTokenSource _second = new();
    private readonly List<PosixSignalRegistration> _registrations = [];

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
            interrupts._registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                interrupts.Raise();
            }));
        }
        return interrupts;
    }

    public void Raise()
    {
        if (_first.IsCancellationRequested) _second.Cancel();
        else _first.Cancel();
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _first.Dispose();
        _second.Dispose();
    }
}
