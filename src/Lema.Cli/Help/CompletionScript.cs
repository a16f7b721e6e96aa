namespace Lema.Cli.Help;

/// <summary>
/// Completion scripts. Each asks the program itself, by System.CommandLine's <c>[suggest:POSITION]</c> directive, so that they never go stale.
/// </summary>
internal static class CompletionScript
{
    private const string Bash = """
        _lema_remote() {
            local IFS=$'\n'
            COMPREPLY=($(compgen -W "$(lema-remote "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _lema_remote lema-remote

        """;

    private const string Zsh = """
        #compdef lema-remote
        _lema_remote() {
            local -a words_found
            words_found=("${(@f)$(lema-remote "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
            compadd -a words_found
            _files
        }
        compdef _lema_remote lema-remote

        """;

    private const string Fish = """
        function __lema_remote
            set -l line (commandline -cp)
            lema-remote "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c lema-remote -a '(__lema_remote)'

        """;

    private const string Pwsh = """
        Register-ArgumentCompleter -Native -CommandName lema-remote -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            lema-remote "[suggest:$cursorPosition]" "$commandAst" 2>$null | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }

        """;

    private static readonly Dictionary<string, string> Scripts = new(StringComparer.Ordinal) { ["bash"] = Bash, ["zsh"] = Zsh, ["fish"] = Fish, ["pwsh"] = Pwsh };

    public static IReadOnlyCollection<string> Shells => Scripts.Keys;

    /// <exception cref="KeyNotFoundException">The shell is none of <see cref="Shells"/>.</exception>
    public static string For(string shell) => Scripts[shell].ReplaceLineEndings("\n");
}
