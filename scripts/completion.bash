# Completes the flags of this project's commands in bash, from what their --help says: source scripts/completion.bash
# Knows `python -m kws.train --ep<Tab>` and, where the package is installed, `kws-train --ep<Tab>`.

declare -A _kws_flags=()

# Flags of a command, asked for once: its words up to the flags are the key.
_kws_flags_of() {
  local command="$*"
  if [ -z "${_kws_flags[$command]+known}" ]; then
    _kws_flags[$command]=$("$@" --help 2>/dev/null |
      sed -nE 's/^  --(\[no\])?([a-z_0-9]+)(=?).*/\1\2\3/p' |
      sed -E 's/^\[no\](.*)/--\1\n--no\1/; t; s/^/--/')
  fi

}

_kws_complete() {
  local command=("${COMP_WORDS[0]}") current=${COMP_WORDS[COMP_CWORD]}
  if [ "${COMP_WORDS[1]:-}" = -m ]; then
    [[ ${COMP_WORDS[2]:-} =~ ^(kws|export|microcontroller)\. ]] || return 0
    command+=(-m "${COMP_WORDS[2]}")
  elif [[ ${COMP_WORDS[0]##*/} != kws-* ]]; then
    return 0
  fi
  COMPREPLY=()
  [[ $current == --* ]] || return 0
  _kws_flags_of "${command[@]}" >/dev/null
  mapfile -t COMPREPLY < <(compgen -W "${_kws_flags["${command[*]}"]}" -- "$current")
}

complete -o default -o nospace -F _kws_complete python python3 .venv/bin/python
for _kws_command in $(compgen -c kws-); do
  complete -o default -o nospace -F _kws_complete "$_kws_command"
done
unset _kws_command
