using Lema.Cli.Terminals;

namespace Lema.Cli.Rendering;

/// <summary>
/// One line on standard error that is rewritten in place on a terminal. Elsewhere a line is printed only when its milestone changes, so that a
/// log does not fill up.
/// </summary>
internal sealed class LiveLine(CliEnvironment environment, bool quiet)
{
    private bool _shown;
    private string _milestone = "";

    /// <param name="draw">The line for a given number of columns.</param>
    /// <param name="milestone">Where the work stands, coarsely.</param>
    public void Show(Func<int, string> draw, string milestone)
    {
        if (quiet) return;
        int width = environment.ErrorWidth();
        if (environment.ErrorIsTerminal)
        {
            string line = draw(width - 1);
            environment.Error.Write($"\r{line}\e[K");
            _shown = true;
        }
        else if (milestone != _milestone)
        {
            environment.Error.WriteLine(draw(width));
        }
        _milestone = milestone;
    }

    /// <summary>Wipes the line, so that something else can be printed.</summary>
    public void Clear()
    {
        if (!_shown) return;
        environment.Error.Write("\r\e[K");
        _shown = false;
    }

    /// <summary>Leaves the line where it is and goes to the next.</summary>
    public void Keep()
    {
        if (!_shown) return;
        environment.Error.WriteLine();
        _shown = false;
    }
}
