import { TextFilter } from './text-filter.js';

/** A search for a text in payloads, or for an ID of the kinds in `ids`. */
export const SearchFilter = ({
  ids,
  value,
  onChange,
}: {
  ids: string;
  value: string | undefined;
  onChange: (value: string) => void;
}) => (
  <TextFilter
    label="Search"
    placeholder={`Search payloads or ${ids}`}
    pattern=".{2,200}"
    hint="Type 2 to 200 characters."
    value={value}
    onChange={onChange}
  />
);

/** Why a search may find nothing. */
export const SEARCH_NOTE = 'The search in payloads distinguishes upper and lower case.';
