using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace Lema.Web.Components.Controls;

/// <summary>What one form holds, kept in the browser's tab until it is sent. Lives as long as the form.</summary>
/// <param name="key">Names the form among those of the tab.</param>
public sealed class FormDraft(IJSRuntime js, string key) : IAsyncDisposable
{
    private Task<IJSObjectReference>? _module;
    private bool _watched;

    /// <summary>Keeps what the page has taken, and lets go of what was typed for it, once that has been typed again.</summary>
    public Task KeepAsync(string text) => TellAsync("keep", key, text, _watched);

    /// <summary>What was kept; null where nothing was.</summary>
    public async Task<string?> RecallAsync() => await (await Module()).InvokeAsync<string?>("recall", key);

    /// <summary>What was typed into a field (its data-kept) and had not reached the page; null where nothing was.</summary>
    public async Task<string?> RecallTypedAsync(string field) => await (await Module()).InvokeAsync<string?>("recallTyped", key, field);

    /// <summary>Types again what had not reached the page, as if the user did, and from now on keeps what is typed. Once, when the fields are there.</summary>
    public Task WatchAsync(ElementReference form)
    {
        _watched = true;
        return TellAsync("watch", form, key);
    }

    public Task ForgetAsync() => TellAsync("forget", key);

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_module is not null) await (await _module).DisposeAsync();
        }
        catch (Exception gone) when (gone is JSDisconnectedException or TaskCanceledException)
        {
            // The browser has gone, and the module with it.
        }
    }

    private async Task TellAsync(string function, params object[] arguments)
    {
        try
        {
            await (await Module()).InvokeVoidAsync(function, arguments);
        }
        catch (JSDisconnectedException)
        {
            // The browser has gone; what it had is still there when it comes back.
        }
    }

    private Task<IJSObjectReference> Module() => _module ??= js.InvokeAsync<IJSObjectReference>("import", "./js/draft.js").AsTask();
}
