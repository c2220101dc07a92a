export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Returns the script that makes a shell complete `posthorn`. It calls `posthorn complete`, so it stays valid after an upgrade. */
export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}

// Without candidates, the shells complete file names, for options such as --data.
const SCRIPTS: Record<Shell, string> = {
  bash: `# bash: add to ~/.bashrc:  eval "$(posthorn completion bash)"
_posthorn() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(posthorn complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _posthorn posthorn
`,
  zsh: `#compdef posthorn
# zsh: add to ~/.zshrc, after compinit:  source <(posthorn completion zsh)
_posthorn() {
  local -a candidates
  candidates=("\${(@f)$(posthorn complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  candidates=(\${candidates:#})
  if (( \${#candidates} )); then compadd -- "\${candidates[@]}"; else _files; fi
}
compdef _posthorn posthorn
`,
  fish: `# fish: save as ~/.config/fish/completions/posthorn.fish:  posthorn completion fish > …
function __posthorn_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l candidates (posthorn complete -- $words[2..] (commandline --current-token) 2>/dev/null)
    if set --query candidates[1]
        printf '%s\\n' $candidates
    else
        __fish_complete_path (commandline --current-token)
    end
end
complete --command posthorn --no-files --arguments '(__posthorn_complete)'
`,
};
